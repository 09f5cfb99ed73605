# CloudFront: TLS for the world, caches what can be cached, and hands the rest to the nearest region. Envoy answers nobody who lacks the key
# in the origin's header. A lost region is Global Accelerator's to see, by its load balancer's health.
data "aws_secretsmanager_random_password" "origin" {
  password_length     = 44
  exclude_punctuation = true
}

# CloudFront takes a header's value only as it is, so the state holds it (docs/architecture/iac.md); drawn once.
resource "terraform_data" "origin_key" {
  input = data.aws_secretsmanager_random_password.origin.random_password

  lifecycle {
    ignore_changes = [input]
  }
}

module "logs" {
  source      = "../modules/bucket"
  name        = "${local.prefix}-edge-logs-${local.account}"
  locks       = local.profile.locks
  acl_writer  = true
  expire_days = local.profile.auditDays
}

resource "aws_cloudfront_cache_policy" "static" { # names carry a hash of the content
  name        = "${local.prefix}-static"
  comment     = "Files that never change"
  min_ttl     = 86400
  default_ttl = 31536000
  max_ttl     = 31536000
  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_brotli = true
    enable_accept_encoding_gzip   = true
    cookies_config {
      cookie_behavior = "none"
    }
    headers_config {
      header_behavior = "none"
    }
    query_strings_config {
      query_string_behavior = "none"
    }
  }
}

resource "aws_cloudfront_cache_policy" "hls" { # the origin says how long: a playlist for a second, a segment for a day
  name        = "${local.prefix}-hls"
  comment     = "Recordings' playlists and segments"
  min_ttl     = 0
  default_ttl = 1
  max_ttl     = 86400
  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_brotli = false
    enable_accept_encoding_gzip   = true
    cookies_config {
      cookie_behavior = "none"
    }
    headers_config {
      header_behavior = "none"
    }
    query_strings_config {
      query_string_behavior = "none"
    }
  }
}

resource "aws_cloudfront_cache_policy" "none" {
  name        = "${local.prefix}-none"
  comment     = "Pages and answers of the services"
  min_ttl     = 0
  default_ttl = 0
  max_ttl     = 0
  parameters_in_cache_key_and_forwarded_to_origin {
    cookies_config {
      cookie_behavior = "none"
    }
    headers_config {
      header_behavior = "none"
    }
    query_strings_config {
      query_string_behavior = "none"
    }
  }
}

resource "aws_cloudfront_origin_request_policy" "all" {
  name    = "${local.prefix}-all"
  comment = "All that the viewer sent"
  cookies_config {
    cookie_behavior = "all"
  }
  headers_config {
    header_behavior = "allViewer"
  }
  query_strings_config {
    query_string_behavior = "all"
  }
}

resource "aws_cloudfront_response_headers_policy" "this" {
  name    = "${local.prefix}-headers"
  comment = "What browsers must know"
  security_headers_config {
    strict_transport_security {
      access_control_max_age_sec = 63072000
      include_subdomains         = true
      preload                    = true
      override                   = true
    }
    content_type_options {
      override = true
    }
    frame_options {
      frame_option = "DENY"
      override     = true
    }
    referrer_policy {
      referrer_policy = "strict-origin-when-cross-origin"
      override        = true
    }
  }
}

resource "aws_cloudfront_distribution" "this" {
  comment         = "${local.prefix}-shop"
  enabled         = true
  is_ipv6_enabled = true
  http_version    = "http2and3"
  price_class     = "PriceClass_All" # viewers are worldwide
  aliases         = [local.shop]
  web_acl_id      = aws_wafv2_web_acl.this.arn
  tags            = { Name = "${local.prefix}-shop" }

  origin {
    origin_id           = "nearest"
    domain_name         = "origin.${local.domain}"
    connection_attempts = local.edge.origin.connectionAttempts
    connection_timeout  = local.edge.origin.connectionTimeoutSeconds
    custom_origin_config {
      http_port                = 80
      https_port               = 443
      origin_protocol_policy   = "https-only"
      origin_ssl_protocols     = ["TLSv1.2"]
      origin_read_timeout      = local.edge.origin.responseTimeoutSeconds
      origin_keepalive_timeout = local.edge.origin.keepaliveTimeoutSeconds
    }
    custom_header {
      name  = "x-origin-key"
      value = terraform_data.origin_key.output
    }
  }

  default_cache_behavior {
    target_origin_id           = "nearest"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = aws_cloudfront_cache_policy.none.id
    origin_request_policy_id   = aws_cloudfront_origin_request_policy.all.id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.this.id
  }

  dynamic "ordered_cache_behavior" {
    for_each = { "/static/*" = aws_cloudfront_cache_policy.static.id, "/recordings/*" = aws_cloudfront_cache_policy.hls.id }
    content {
      path_pattern               = ordered_cache_behavior.key
      target_origin_id           = "nearest"
      viewer_protocol_policy     = "redirect-to-https"
      allowed_methods            = ["GET", "HEAD", "OPTIONS"]
      cached_methods             = ["GET", "HEAD"]
      compress                   = true
      cache_policy_id            = ordered_cache_behavior.value
      origin_request_policy_id   = aws_cloudfront_origin_request_policy.all.id
      response_headers_policy_id = aws_cloudfront_response_headers_policy.this.id
    }
  }

  logging_config {
    bucket          = module.logs.domain_name
    prefix          = "shop/"
    include_cookies = false
  }
  restrictions {
    geo_restriction {
      restriction_type = "none" # the firewall does it, and counts
    }
  }
  viewer_certificate {
    acm_certificate_arn      = aws_acm_certificate_validation.this.certificate_arn
    minimum_protocol_version = "TLSv1.2_2021"
    ssl_support_method       = "sni-only"
  }
}
