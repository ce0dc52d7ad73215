"""Improv: WiFi credentials over Bluetooth LE, which stays up while the radio changes networks.

Protocol: https://www.improv-wifi.com/ble/ (version 2.2), served through BlueZ's D-Bus API.
"""
