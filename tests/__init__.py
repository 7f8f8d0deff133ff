"""The tests of the library, of the notebooks and of the house itself."""
