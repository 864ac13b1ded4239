"""Work on a Dask cluster: each part of a plan, or of its apply, is a task."""
