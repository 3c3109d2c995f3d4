package commitlines

// Summed gives a line the checksum that it should have, so that fuzzing gets past
// that.
func Summed(line []byte) []byte {
	if len(line) <= sumLength {
		return line
	}
	return endLine(append([]byte{}, line[:len(line)-sumLength-1]...), 0)
}
