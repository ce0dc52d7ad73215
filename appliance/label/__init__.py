"""What is printed on the box: the setup network and the address, for people and for cameras."""
