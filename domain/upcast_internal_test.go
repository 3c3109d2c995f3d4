package domain

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// tables with a history: SetActive was a word once and then a number.
func upcastTable() map[string]*schema {
	wordToNumber := func(data jsontext.Value) (jsontext.Value, error) {
		switch string(data) {
		case `{"state":"on"}`:
			return jsontext.Value(`{"state":1}`), nil
		case `{"state":"off"}`:
			return jsontext.Value(`{"state":0}`), nil
		}
		return nil, errors.New("no such state: " + string(data))
	}
	numberToTruth := func(data jsontext.Value) (jsontext.Value, error) {
		if string(data) == `{"state":1}` {
			return jsontext.Value(`{"active":true}`), nil
		}
		return jsontext.Value(`{"active":false}`), nil
	}
	return map[string]*schema{"SetActive": of[SetActive](wordToNumber, numberToTruth), "SetEpoch": of[SetEpoch]()}
}

func TestOldVersionsAreUpcast(t *testing.T) {
	events, err := decodeEvents([]byte(`[
		{"type":"SetActive","v":1,"data":{"state":"on"}},
		{"type":"SetActive","v":2,"data":{"state":1}},
		{"type":"SetActive","v":3,"data":{"active":true}},
		{"type":"SetEpoch","v":1,"data":{"epoch":"e"}},
		{"type":"SetActive","v":1,"of":"0196f3c1-5a00-7000-8000-00000000000a","seq":7,"data":{"state":"off"}}]`), upcastTable())
	if err != nil || len(events) != 5 {
		t.Fatalf("%v, %v", events, err)
	}
	for _, event := range events[:3] {
		if event != (SetActive{Active: true}) {
			t.Errorf("upcast to %v", event)
		}
	}
	if listed, ok := events[4].(Listed); !ok || listed.Seq != 7 || listed.Fact != (SetActive{}) {
		t.Errorf("a listed fact is upcast to %v", events[4])
	}
	if _, err := decodeEvents([]byte(`[{"type":"SetActive","v":4,"data":{}}]`), upcastTable()); !errors.Is(err, ErrUnknownEvent) {
		t.Errorf("a version to come: %v, want ErrUnknownEvent", err)
	}
}

func TestAFailedUpcastTellsNothingOfTheData(t *testing.T) {
	_, err := decodeEvents([]byte(`[{"type":"SetActive","v":1,"data":{"state":"secret"}}]`), upcastTable())
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "SetActive version 1") {
		t.Errorf("the error is %v", err)
	}
}
