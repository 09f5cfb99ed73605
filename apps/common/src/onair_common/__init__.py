"""What every service of the shop shares: settings, logs, health, drain, metrics and the HTTP client."""
