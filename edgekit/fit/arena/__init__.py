"""The tensor arena: lifetimes, kernels' buffers by library and core, and the plan."""
