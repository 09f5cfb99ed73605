module onair.dev/toolchain/cert-manager

go 1.27.0

require github.com/cert-manager/cert-manager v1.21.2
