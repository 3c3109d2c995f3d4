package elasticview

import "github.com/seed5b6a70b4/identity/internal/words"

// longestRegexp is how long what looks for typos may be: that for a word of
// longestWithTypo letters is shorter.
const longestRegexp = 1 << 13

// template is how every generation is set up.
func (x *Index) template() object {
	return object{
		"index_patterns": []string{x.options.Name + "-*"},
		"priority":       500,
		"template": object{
			"settings": object{
				"number_of_shards":     x.options.Shards,
				"auto_expand_replicas": "0-1",
				"refresh_interval":     x.options.RefreshInterval.String(),
				"max_regex_length":     longestRegexp,
			},
			"mappings": mappings(),
		},
	}
}

// documentVersion is raised when documents come to hold something else, in the same
// fields or in others. A generation of a later version is left alone.
const documentVersion = 2

// mappings are strict: a field that is not here is refused. The source is not
// kept: nothing reads it, a generation is filled from the view, and it would be a
// copy of personal data. What documents are found by is kept by document too, so
// that an audit can read it back.
func mappings() object {
	return object{
		"dynamic":    "strict",
		"_source":    object{"enabled": false},
		"_meta":      object{"words": words.Fingerprint(), "document": documentVersion},
		"properties": properties(),
	}
}

func properties() object {
	searched := object{"type": "keyword"}
	sorted := object{"type": "keyword", "index": false}
	return object{
		"removed":    object{"type": "boolean"},
		"kind":       searched,
		"words":      searched,
		"logins":     searched,
		"hosts":      searched,
		"active":     object{"type": "boolean"},
		"groups":     searched,
		"attributes": searched,
		"id":         sorted,
		"name":       sorted,
		"username":   sorted,
		"created":    object{"type": "long", "index": false},
		"digest":     object{"type": "keyword", "index": false},
	}
}
