// Package commitlines writes commits as lines of JSON and reads them again: the
// format of exported files and of GET /events.
//
// A header begins, then there is a line for each transaction, and now and then, and
// at the end, a checkpoint. Each line ends with a checksum of its own, each
// checkpoint has the SHA-256 of all that comes before it: whatever is flipped, cut
// off, left out or put in shows, with the number of the line. Whether commits are as
// they were sealed and continue each other is not this package's business; it loses
// nothing that eventstream.CheckSealed needs.
//
//	{"format":"identity-commits","version":1,"epoch":"…","after":"…","ordered":true,"sum":"…"}
//	{"command":"…","actor":"…","correlation":"…","commits":[{"stream":"…","seq":1,"time":"…","hash":"…","data":[…]}],"sum":"…"}
//	{"transactions":1,"commits":1,"bytes":512,"after":"…","sha256":"…","end":true,"sum":"…"}
//
// Members stand in this order, without spaces, and strings are escaped in one way
// only: equal lines are equal bytes. previous, before hash, is left out of the first
// commit of a stream. Data that is JSON without spaces is data; any other is bytes,
// in base64. A checkpoint on the way, behind which there may be more at once, has
// "more":true behind end. What siblings a commit has follows from the line that it is on.
package commitlines
