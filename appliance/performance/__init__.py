"""The performance profile: everything at its highest clock, for as long as it stays cool."""
