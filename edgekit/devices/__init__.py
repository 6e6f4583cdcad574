"""What a device is: profiles, their faults, cost models as TOML."""
