"""netty links hospitals' images: it searches a region's PACS, fetches what is missing, and shows it."""

__version__ = "0.1.0"
