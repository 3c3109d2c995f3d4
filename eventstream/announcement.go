package eventstream

// Place is where somebody stands who hears of all changes: everything up to At was told
// and, of the commit that comes next in the stream Part, the first Told announcements.
// The zero Place is before everything.
type Place struct {
	At   Token
	Part StreamID
	Told int
}

// Announcement tells that a view's row of a stream is at a number, or beyond.
type Announcement struct {
	Position
	// Here is the place before the announcement, Next the one behind it.
	Here, Next Place
}
