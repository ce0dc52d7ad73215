"""A NetworkManager for tests: real D-Bus services, one module an object, on a simulated air.

It imitates versions 1.42, 1.52 and 1.58 as far as Luna meets them. What it gives as reasons and
after how long is what those versions do; tests/bus/test_real_nm.py holds the forms against a real
NetworkManager.
"""
