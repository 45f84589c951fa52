"""What is no test and no product: benchmarks, measurements, screenshots, the chaos runner."""
