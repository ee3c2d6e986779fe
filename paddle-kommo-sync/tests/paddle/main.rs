//! The client of Paddle's API and the fake of it, over HTTP on this machine.
