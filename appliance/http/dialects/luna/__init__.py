"""The appliance's own API: recognition by the phone app, health, and readings of the device."""
