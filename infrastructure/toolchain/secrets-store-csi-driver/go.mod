module onair.dev/toolchain/secrets-store-csi-driver

go 1.27.0

require sigs.k8s.io/secrets-store-csi-driver v1.5.3
