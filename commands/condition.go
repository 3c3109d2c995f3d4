package commands

import "github.com/seed5b6a70b4/identity/eventstream"

// check answers a *StaleError unless the condition holds for an entity whose
// commit seq is the one to be changed; 0 if there is no entity.
func (c Condition) check(stream eventstream.StreamID, seq eventstream.Seq) error {
	switch {
	case !c.Given:
		return nil
	case seq == 0:
		return &StaleError{}
	case c.Exists:
		return nil
	}
	now := eventstream.Position{Stream: stream, Seq: seq}
	for _, tag := range c.Tags {
		if len(tag) == 1 && tag[0] == now {
			return nil
		}
	}
	return &StaleError{Current: eventstream.NewToken(now)}
}
