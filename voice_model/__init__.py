"""Member voices: the manifest, the checkpoints and the engines that speak them."""
