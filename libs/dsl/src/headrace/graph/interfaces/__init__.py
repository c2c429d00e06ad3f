"""What a component takes and gives: types, placeholders, and the specs that hold them."""
