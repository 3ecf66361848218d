"""Training by several processes: how they are joined, started and watched."""
