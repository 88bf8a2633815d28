"""The platforms' sides: see :mod:`simulator.platform`."""
