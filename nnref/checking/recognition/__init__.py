"""Which layer is somebody's function? Its outputs say so, never its name; then for its mistakes."""
