"""The storm: many more buyers than goods, in both regions, while things break; then every unit and coin is counted."""
