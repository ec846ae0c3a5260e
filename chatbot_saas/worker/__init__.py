"""Job entry points: ids in, one service call."""
