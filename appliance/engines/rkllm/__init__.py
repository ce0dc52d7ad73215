"""Models on the RK3588's NPU, through the vendor's library librkllmrt.so."""
