package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var writeHistories = flag.Bool("write-histories", false, "write testdata/history anew")

// historyLines are commits as a service tells them, some as none should.
const historyLines = `
{"seq":1,"time":"2026-11-22T07:00:00.000Z","actor":"admin","commandId":"01926e5f-8a70-7c3e-9f41-5a2d8c6b7e11","events":[{"type":"SetUsername","data":{"username":"homer"}},{"type":"SetActive","data":{"active":true}},{"type":"SetAttribute","data":{"name":"badges","value":["blue",7]}}],"changes":[{"field":"username","after":"homer"},{"field":"active","after":true},{"field":"attributes.badges","after":["blue",7]}]}
{"seq":2,"time":"2026-11-22T07:00:01.000Z","actor":"key/01926e61-3c4d-7e8f-9a0b-1c2d3e4f5a6b","events":[{"type":"SetName","data":{"name":"Žofie \u001b[31m\u0085\u202e Ω \"x\" \\"}},{"type":"SetEmail","data":{}}],"changes":[{"field":"name","before":"A","after":"Žofie \u001b[31m` + "\u0085\u202e" + ` Ω \"x\" \\"},{"field":"email","before":"a@example.org"}]}
{"seq":3,"time":"2026-11-22T07:00:02.000Z","actor":"a` + "\u0085" + `b","events":[{"type":"SetMotto","data":{"motto":"per aspera","lang":"la","more":{"a":[1,2]}}},{"type":"SetOdd","data":7}],"changes":[]}
{"groupId":"01926e60-11b2-7d0a-8c55-2f9e4b7a6d31","memberId":"01926e5f-8a70-7c3e-9f41-5a2d8c6b7e10","seq":4,"time":"2026-11-22T07:00:03.000Z","actor":"admin","events":[{"type":"SetMember","data":{"present":true,"kind":"user"}}]}
{"groupId":"01926e60-11b2-7d0a-8c55-2f9e4b7a6d31","memberId":"01926e5f-8a70-7c3e-9f41-5a2d8c6b7e10","seq":5,"time":"2026-11-22T07:00:04.000Z","actor":"admin","events":[{"type":"SetMember","data":{"present":false,"kind":"user"}}]}
{"seq":12345,"time":"2026-11-22T07:00:05.000Z","actor":"admin","events":[{"type":"SetRemoved","data":{"removed":true}}]}`

func TestHistoryOnATerminalAndElsewhere(t *testing.T) {
	for name, printer := range map[string]*historyPrinter{
		"plain": {}, "colours": {colour: true}, "members": {member: true}, "json": {raw: true},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			printer.out = &out
			for line := range strings.Lines(strings.TrimSpace(historyLines)) {
				if err := printer.print(json.RawMessage(strings.TrimSpace(line))); err != nil {
					t.Fatal(err)
				}
			}
			if printer.raw {
				if out.String() != strings.TrimSpace(historyLines)+"\n" {
					t.Errorf("printed\n%s", out.String())
				}
				return
			}
			file := filepath.Join("testdata", "history", name+".txt")
			if *writeHistories {
				if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got := out.String(); got != string(want) {
				t.Errorf("printed\n%s\nwant\n%s", got, want)
			}
			if !printer.colour && strings.ContainsAny(out.String(), "\x1b\u0085\u202e") {
				t.Error("what a terminal acts on is not escaped")
			}
		})
	}
}

func TestTheLastCommitsAreKept(t *testing.T) {
	for most := 1; most <= 4; most++ {
		for shown := range 12 {
			last := &lastCommits{most: most}
			var want, got []string
			for i := range shown {
				item := fmt.Sprint(i)
				if err := last.add(json.RawMessage(item)); err != nil {
					t.Fatal(err)
				}
				want = append(want, item)
			}
			want = want[max(0, shown-most):]
			if err := last.each(func(item json.RawMessage) error { got = append(got, string(item)); return nil }); err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("of %d the last %d are %v, want %v", shown, most, got, want)
			}
		}
	}
}
