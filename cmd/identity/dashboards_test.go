package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// labelsOf are the labels of each metric that dashboards and alerts ask for by
// label. Those that Prometheus adds all have.
var labelsOf = map[string][]string{
	"identity_http_request_seconds":       {"method", "route", "status"},
	"identity_command_seconds":            {"command", "outcome"},
	"identity_store_failed_appends_total": {"cause"},
	"identity_store_retries_total":        {"cause"},
	"identity_view_lag_positions":         {"view"},
	"identity_view_lag_seconds":           {"view"},
	"identity_view_parked_streams":        {"view"},
	"identity_view_forced_waits_total":    {"outcome", "view"},
	"identity_view_forced_wait_seconds":   {"view"},
	"identity_view_applied_commits_total": {"view"},
	"identity_view_announced_rows_total":  {"view"},
	"identity_view_healed_commits_total":  {"view"},
	"identity_view_generation":            {"view"},
	"identity_rebuild_running":            {"view"},
	"identity_forward_lag_positions":      {"to"},
	"identity_forward_entities_total":     {"to"},
	"identity_forward_failures_total":     {"to"},
	"identity_feed_lag_seconds":           {"feed"},
	"identity_feed_records_total":         {"feed"},
	"identity_feed_leases_held":           {"feed"},
	"identity_feed_unowned_shards":        {"feed"},
	"identity_feed_losses_total":          {"feed"},
	"identity_feed_failures_total":        {"feed", "what"},
}

var addedLabels = []string{"job", "instance", "le"}

var (
	queryWord   = regexp.MustCompile(`(identity|go|process)_[a-z0-9_]+`)
	querySelect = regexp.MustCompile(`((?:identity|go|process)_[a-z0-9_]+)\{([^}]*)\}`)
	queryLabel  = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)\s*"`)
	queryBy     = regexp.MustCompile(`by \(([^)]*)\)`)
	familyEnd   = regexp.MustCompile(`_(bucket|count|sum)$`)
)

// checkQuery demands that a query asks for what is measured.
func checkQuery(t *testing.T, known map[string]bool, query string) {
	t.Helper()
	labels := map[string]bool{}
	for _, name := range queryWord.FindAllString(query, -1) {
		family := name
		if !known[family] {
			family = familyEnd.ReplaceAllString(name, "")
		}
		if !known[family] {
			t.Errorf("%s: nothing measures %s", query, name)
		}
		for _, label := range labelsOf[family] {
			labels[label] = true
		}
	}
	for _, label := range addedLabels {
		labels[label] = true
	}
	for _, selected := range querySelect.FindAllStringSubmatch(query, -1) {
		for _, label := range queryLabel.FindAllStringSubmatch(selected[2], -1) {
			family := selected[1]
			if !known[family] {
				family = familyEnd.ReplaceAllString(family, "")
			}
			if !slices.Contains(append(slices.Clone(addedLabels), labelsOf[family]...), label[1]) {
				t.Errorf("%s: %s has no label %s", query, family, label[1])
			}
		}
	}
	for _, by := range queryBy.FindAllStringSubmatch(query, -1) {
		for label := range strings.SplitSeq(by[1], ",") {
			if !labels[strings.TrimSpace(label)] {
				t.Errorf("%s: nothing asked for has the label %s", query, label)
			}
		}
	}
	if strings.Count(query, "(") != strings.Count(query, ")") || strings.Count(query, "{") != strings.Count(query, "}") {
		t.Errorf("%s: brackets do not match", query)
	}
}

// The dashboard is one that Grafana takes, of no Grafana in particular, and asks
// for what is measured.
func TestTheDashboardAsksForWhatIsMeasured(t *testing.T) {
	raw, err := os.ReadFile("../../docs/dashboards/identity.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		ID            any `json:"id"`
		UID           any `json:"uid"`
		SchemaVersion int `json:"schemaVersion"`
		Title         string
		Templating    struct{ List []struct{ Name, Type string } }
		Panels        []struct {
			ID         int
			Type       string
			Title      string
			Datasource struct{ UID string }
			GridPos    struct{ H, W, X, Y int }
			Targets    []struct {
				Expr         string
				LegendFormat string
				Datasource   struct{ UID string }
			}
		}
	}
	if err := json.Unmarshal(raw, &dashboard); err != nil {
		t.Fatal(err)
	}
	if dashboard.ID != nil || dashboard.UID != nil || dashboard.SchemaVersion < 39 || len(dashboard.Templating.List) == 0 || dashboard.Templating.List[0].Type != "datasource" {
		t.Errorf("the dashboard is of one Grafana, or of none: %+v", dashboard.Templating)
	}
	known, ids, queries := measuredNames(t), map[int]bool{}, 0
	for _, panel := range dashboard.Panels {
		if ids[panel.ID] || panel.GridPos.X+panel.GridPos.W > 24 || panel.GridPos.H <= 0 {
			t.Errorf("panel %s lies where it cannot", panel.Title)
		}
		ids[panel.ID] = true
		if panel.Type == "row" {
			continue
		}
		if panel.Datasource.UID != "${datasource}" || len(panel.Targets) == 0 {
			t.Errorf("panel %s asks nobody, or somebody of its own", panel.Title)
		}
		for _, target := range panel.Targets {
			queries++
			checkQuery(t, known, target.Expr)
			if target.Datasource.UID != "${datasource}" {
				t.Errorf("panel %s has a source of its own", panel.Title)
			}
		}
	}
	if queries < 30 {
		t.Errorf("%d queries", queries)
	}
}

// Alerts ask for what is measured, and each has a runbook.
func TestAlertsAskForWhatIsMeasured(t *testing.T) {
	raw, err := os.ReadFile("../../docs/dashboards/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	operations, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	headings := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(string(operations), -1) {
		headings[strings.ReplaceAll(strings.ToLower(heading[1]), " ", "-")] = true
	}
	known, rules := measuredNames(t), 0
	for line := range strings.Lines(string(raw)) {
		what, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch what {
		case "expr":
			rules++
			checkQuery(t, known, value)
		case "runbook":
			if page, heading, _ := strings.Cut(value, "#"); page != "docs/operations.md" || !headings[heading] {
				t.Errorf("there is no runbook %s", value)
			}
			rules--
		}
	}
	if rules != 0 || !strings.Contains(string(raw), "expr: ") {
		t.Errorf("%d rules have no runbook", rules)
	}
}

// What the tests above take for the labels are the labels.
func TestLabelsAreThoseThatAreMeasured(t *testing.T) {
	dir := t.TempDir()
	mustStart(t, dir)
	c := clientOf(t, dir)
	if _, err := c.do(t.Context(), http.MethodPost, "/users", map[string]string{"username": "homer"}, nil); err != nil {
		t.Fatal(err)
	}
	answer, err := c.fetch(t.Context(), "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	found, err := readMetrics(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for name, samples := range found {
		labels := maps.Clone(samples[0].labels)
		delete(labels, "le")
		if want := labelsOf[familyEnd.ReplaceAllString(name, "")]; strings.HasPrefix(name, "identity_") && len(want) > 0 {
			checked++
			if got := slices.Sorted(maps.Keys(labels)); !slices.Equal(got, want) {
				t.Errorf("%s has the labels %v, not %v", name, got, want)
			}
		}
	}
	if checked < 8 {
		t.Error(fmt.Sprint(checked, " metrics were compared"))
	}
}
