package eventstream

// Place is where somebody stands who reads notices: everything up to At was told
// and, of the commit that comes next in the stream Part, the first Told notices.
// The zero Place is before everything.
type Place struct {
	At   Token
	Part StreamID
	Told int
}

// Notice tells that a view's row of a stream is at a number, or beyond.
type Notice struct {
	Position
	// Next is the place behind the notice, and Here the one before it.
	Here, Next Place
}
