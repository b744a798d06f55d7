"""Copy the lake and what people have entered into a folder, check such copies, and read them back."""
