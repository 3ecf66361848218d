"""What is kept from one run to the next: headers of images and whole sets, without any code in it."""
