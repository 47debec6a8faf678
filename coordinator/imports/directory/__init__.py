"""Plan-Net files (Da Vinci PDex Plan Net 1.1.0) become entries of the directory: reading and mapping, without writing."""
