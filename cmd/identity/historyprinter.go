package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/term"
)

// historyPrinter writes commits as they come, a line each, and a line for each
// field that they say they changed.
type historyPrinter struct {
	out    io.Writer
	raw    bool // as lines of JSON
	colour bool
	member bool // the commits are of several memberships
	begun  bool
}

func newHistoryPrinter(out io.Writer, member bool) *historyPrinter {
	file, is := out.(*os.File)
	_, plain := os.LookupEnv("NO_COLOR")
	return &historyPrinter{out: out, member: member, colour: !plain && is && term.IsTerminal(int(file.Fd()))}
}

// historyItem is a commit as the service tells it.
type historyItem struct {
	Seq      uint64 `json:"seq"`
	Time     string `json:"time"`
	Actor    string `json:"actor"`
	MemberID string `json:"memberId"`
	Events   []struct {
		Type string          `json:"type"`
		Data json.RawMessage `json:"data"`
	} `json:"events"`
	Changes []struct {
		Field  string          `json:"field"`
		Before json.RawMessage `json:"before"`
		After  json.RawMessage `json:"after"`
	} `json:"changes"`
}

func (p *historyPrinter) print(raw json.RawMessage) error {
	if p.raw {
		_, err := fmt.Fprintf(p.out, "%s\n", raw)
		return err
	}
	var item historyItem
	if err := json.Unmarshal(raw, &item); err != nil {
		return fmt.Errorf("read a commit: %w", err)
	}
	var text strings.Builder
	if !p.begun {
		p.begun = true
		text.WriteString(p.paint(bold, p.columns("SEQ", "TIME", "ACTOR", "MEMBER", "WHAT")) + "\n")
	}
	var what []string
	for _, event := range item.Events {
		what = append(what, describeEvent(event.Type, event.Data))
	}
	text.WriteString(p.columns(strconv.FormatUint(item.Seq, 10), item.Time, printable(item.Actor), item.MemberID, strings.Join(what, ", ")) + "\n")
	for _, change := range item.Changes {
		text.WriteString("      " + printable(change.Field) + ": ")
		text.WriteString(p.paint(red, described(change.Before)) + " -> " + p.paint(green, described(change.After)) + "\n")
	}
	_, err := io.WriteString(p.out, text.String())
	return err
}

// columns are as wide as what is in them, nearly always: they are written before
// the rest is known.
func (p *historyPrinter) columns(seq, time, actor, member, what string) string {
	if p.member {
		actor = fmt.Sprintf("%-40s  %-36s", actor, member)
	}
	return strings.TrimRight(fmt.Sprintf("%4s  %-24s  %-40s  %s", seq, time, actor, what), " ")
}

const (
	bold  = "1"
	red   = "31"
	green = "32"
)

func (p *historyPrinter) paint(colour, text string) string {
	if !p.colour {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// describeEvent says an event in a few words: what it sets, and to what.
func describeEvent(kind string, data json.RawMessage) string {
	var member struct {
		Present *bool  `json:"present"`
		Kind    string `json:"kind"`
	}
	if kind == "SetMember" && json.Unmarshal(data, &member) == nil && member.Present != nil {
		if *member.Present {
			return printable(member.Kind) + " came in"
		}
		return printable(member.Kind) + " left"
	}
	if kind == "SetRemoved" {
		return "removed"
	}
	var attribute struct {
		Name  string          `json:"name"`
		Value json.RawMessage `json:"value"`
	}
	if kind == "SetAttribute" && json.Unmarshal(data, &attribute) == nil {
		return printable("attributes."+attribute.Name) + "=" + described(attribute.Value)
	}
	return printable(kind) + describeMembers(data)
}

// describeMembers says the members of an object, in its order; a hyphen for none:
// what the event sets is then taken away.
func describeMembers(data json.RawMessage) string {
	var text strings.Builder
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return " " + described(data)
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return text.String()
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return text.String()
		}
		text.WriteString(" " + printable(fmt.Sprint(name)) + "=" + described(value))
	}
	if text.Len() == 0 {
		return " -"
	}
	return text.String()
}

// described is a value as people read it: JSON, and a hyphen for none.
func described(value json.RawMessage) string {
	if len(value) == 0 || string(value) == "null" {
		return "-"
	}
	return printable(string(value))
}

// printable escapes what a terminal would act on.
func printable(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return text
	}
	quoted := strconv.Quote(text)
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(quoted[1 : len(quoted)-1])
}
