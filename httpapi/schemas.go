package httpapi

import (
	"encoding/json"
	"maps"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// The schemas of bodies, written by hand because no reflection reads or writes
// them. A test validates what the handler answers against them.

func schemas() map[string]*huma.Schema {
	all := map[string]*huma.Schema{}
	for _, some := range []map[string]*huma.Schema{userSchemas(), groupSchemas(), pastSchemas(), keyAndServiceSchemas(), operatorSchemas()} {
		maps.Copy(all, some)
	}
	return all
}

func userSchemas() map[string]*huma.Schema {
	return map[string]*huma.Schema{
		"User": object([]string{"id", "username", "active", "createdAt", "updatedAt"}, with(userFieldSchemas(), stamps())),
		"NewUser": described(object([]string{"username"}, optional(with(userFieldSchemas(), nil), "username", "active")),
			"`id` is yours to bring, which makes repeating the request safe. `active` is true unless said otherwise."),
		"UserPatch": described(object(nil, without(optional(userFieldSchemas(), "username", "active"), "id")), patchText),
		"UserList":  list("User"),

		"Batch": object([]string{"items"}, map[string]*huma.Schema{
			"items": bounded(array(&huma.Schema{AnyOf: []*huma.Schema{ref("BatchItem"), {Description: "What is none is refused alone."}}}), 0, maxItems),
		}),
		"BatchItem":    batchItemSchema(),
		"BatchResults": object([]string{"items"}, map[string]*huma.Schema{"items": array(ref("BatchResult"))}),
		"BatchResult":  batchResultSchema(),
	}
}

func groupSchemas() map[string]*huma.Schema {
	return map[string]*huma.Schema{
		"Group":      object([]string{"id", "name", "createdAt", "updatedAt"}, with(groupFieldSchemas(), stamps())),
		"NewGroup":   object([]string{"name"}, optional(groupFieldSchemas(), "name")),
		"GroupPatch": described(object(nil, without(optional(groupFieldSchemas(), "name"), "id")), patchText),
		"GroupList":  list("Group"),

		"Membership": object([]string{"groupId", "memberId", "kind"}, map[string]*huma.Schema{
			"groupId": idSchema("The group."), "memberId": idSchema("The user or group that is in it."),
			"kind": enum("user", "group"), "since": timeSchema("When it came in; absent of one that is in only through other groups."),
			"via": described(array(idSchema("")), "With `effective=true`: one shortest way, from the group that it is directly in up to this one."),
		}),
		"MembershipList": list("Membership"),
		"NewMembers": object([]string{"members"}, map[string]*huma.Schema{
			"members": bounded(array(idSchema("A user or a group.")), 1, maxMembers),
		}),
		"Questions": object([]string{"items"}, map[string]*huma.Schema{
			"items": bounded(array(object([]string{"groupId", "userId"}, map[string]*huma.Schema{
				"groupId": idSchema("The group."), "userId": idSchema("The user, or a group."),
			})), 1, maxQuestions),
		}),
		"Answers": object([]string{"items"}, map[string]*huma.Schema{
			"items": array(object([]string{"member"}, map[string]*huma.Schema{
				"member": described(boolean(), "Whether the user is in the group, directly or through other groups."),
				"via":    described(array(idSchema("")), "One shortest way, from the group that the user is directly in up to this one; absent of who is not in."),
			})),
		}),
		"Members": object([]string{"items"}, map[string]*huma.Schema{"items": array(ref("Membership"))}),
	}
}

func pastSchemas() map[string]*huma.Schema {
	return map[string]*huma.Schema{
		"Commit": object([]string{"seq", "time", "actor", "commandId", "events"}, map[string]*huma.Schema{
			"seq": integer(1), "time": timeSchema("When it was written."), "actor": text("Who asked: `admin`, or `key/` and an id.", 0),
			"commandId": idSchema("What it was written by."), "events": array(ref("Event")),
			"groupId": idSchema("Of a membership: the group."), "memberId": idSchema("Of a membership: the user or group that came in or left."),
			"changes": described(array(ref("FieldChange")), "With `diff=true`: what it changed."),
		}),
		"FieldChange": object([]string{"field"}, map[string]*huma.Schema{
			"field":  text("As in the entity's body; one of the attributes as `attributes.` and its name.", 0),
			"before": {Description: "Absent if the field was not there."}, "after": {Description: "Absent if the field is gone."},
		}),
		"CommitList": list("Commit"),
		"Event": object([]string{"type", "data"}, map[string]*huma.Schema{
			"type": text("Which fact.", 0), "data": {Type: huma.TypeObject, Description: "The whole value that was set."},
		}),

		"Change":     changeSchema(),
		"ChangePage": object([]string{"items", "next"}, map[string]*huma.Schema{"items": array(ref("Change")), "next": text("The position to ask with next, also when nothing is new.", 0)}),

		"Transaction":     transactionSchema(),
		"TransactionPage": object([]string{"items", "next"}, map[string]*huma.Schema{"items": array(ref("Transaction")), "next": text("The place to ask with next, also when nothing is new.", 0)}),
	}
}

func keyAndServiceSchemas() map[string]*huma.Schema {
	return map[string]*huma.Schema{
		"Key":        object([]string{"id", "label", "scopes", "createdAt"}, keySchemas()),
		"CreatedKey": object([]string{"id", "label", "scopes", "createdAt", "key"}, with(keySchemas(), map[string]*huma.Schema{"key": text("The key itself, told this once.", 0)})),
		"NewKey": object([]string{"label", "scopes"}, map[string]*huma.Schema{
			"label": text("What people call it.", domain.MaxText), "scopes": scopesSchema(), "owner": nullable(idSchema("The user it belongs to; without one it is a service's.")),
		}),
		"KeyList": list("Key"),

		"Problem": problemSchema(),
		"Ready":   readySchema(),
		"Live":    object([]string{"status"}, map[string]*huma.Schema{"status": enum("live")}),
		"Text":    {Type: huma.TypeString},
		"Any":     {Type: huma.TypeObject},
	}
}

func operatorSchemas() map[string]*huma.Schema {
	return map[string]*huma.Schema{
		"ParkedList": object([]string{"items", "total"}, map[string]*huma.Schema{
			"items": array(object([]string{"view", "stream", "seq", "reason", "since", "attempts"}, map[string]*huma.Schema{
				"view": text("", 0), "stream": text("", 0), "seq": described(integer(0), "The first commit that could not be applied."),
				"reason": described(text("", 0), "The kind of the error."), "since": timeSchema("When it was parked."), "attempts": integer(0),
			})),
			"total": described(integer(0), "How many there are."),
		}),
		"ParkedStream": object([]string{"view", "stream"}, map[string]*huma.Schema{"view": text("", 0), "stream": text("", 0)}),

		"Generations": generationsSchema(),
		"RebuildOrder": object([]string{"views"}, map[string]*huma.Schema{
			"views": bounded(array(enum(RowsView, SearchView, ClosureView)), 1, 3),
			"force": described(boolean(), "Switch also to what differs from the generation that answers."),
			"rate":  described(atMost(integer(1), MaxRebuildRate), "The most commits, rows or documents a second; as many as can be without it."),
		}),

		"Standing": standingSchema(),
		"PromotionOrder": object(nil, map[string]*huma.Schema{
			"lost": described(boolean(), "Take over although the followed store cannot be closed: what it acknowledged and did not tell is lost."),
		}),
	}
}

const patchText = "A merge patch (RFC 7396): what is absent stays, null takes an optional field away, also one of the attributes; `attributes: null` takes all of them away."

func userFieldSchemas() map[string]*huma.Schema {
	return map[string]*huma.Schema{
		"id":         idSchema("The user."),
		"username":   described(text("Unique; compared without regard to case and width (RFC 8265, UsernameCaseMapped).", domain.MaxUsername), ""),
		"email":      text("Unique; compared without regard to case.", domain.MaxEmailBytes),
		"name":       text("What people read.", domain.MaxText),
		"givenName":  text("", domain.MaxText),
		"familyName": text("", domain.MaxText),
		"active":     {Type: huma.TypeBoolean, Description: "Whether the user may be let in."},
		"externalId": text("What another system calls it. Unique.", domain.MaxExternalID),
		"attributes": attributesSchema(),
	}
}

func groupFieldSchemas() map[string]*huma.Schema {
	return map[string]*huma.Schema{
		"id":          idSchema("The group."),
		"name":        text("Unique; compared without regard to case.", domain.MaxGroupName),
		"description": text("", domain.MaxDescription),
		"externalId":  text("What another system calls it. Unique.", domain.MaxExternalID),
		"attributes":  attributesSchema(),
	}
}

func stamps() map[string]*huma.Schema {
	created, updated := timeSchema("When it was created."), timeSchema("When it was last changed.")
	created.ReadOnly, updated.ReadOnly = true, true
	return map[string]*huma.Schema{"createdAt": created, "updatedAt": updated}
}

func keySchemas() map[string]*huma.Schema {
	return map[string]*huma.Schema{
		"id": idSchema("The key."), "label": text("What people call it.", domain.MaxText), "scopes": scopesSchema(),
		"owner": idSchema("The user it belongs to; without one it is a service's."), "createdAt": timeSchema("When it was made."),
	}
}

func scopesSchema() *huma.Schema {
	return bounded(array(enum(string(domain.ReadScope), string(domain.WriteScope), string(domain.AdminScope))), 1, 3)
}

func attributesSchema() *huma.Schema {
	scalar := []*huma.Schema{{Type: huma.TypeString}, {Type: huma.TypeNumber}, {Type: huma.TypeBoolean}}
	most := domain.MaxAttributes
	return &huma.Schema{
		Type: huma.TypeObject, MaxProperties: &most,
		Description:          "Whatever else is known: strings, numbers, booleans or arrays of these; 16 KiB in all. Numbers are kept as written; they have at most 64 characters and are within the range of a 64-bit float.",
		AdditionalProperties: &huma.Schema{AnyOf: append(scalar, array(&huma.Schema{AnyOf: scalar}))},
		Examples:             []any{json.RawMessage(`{"department":"R&D","badges":["blue",7],"contractor":false}`)},
	}
}

func problemSchema() *huma.Schema {
	return object([]string{"type", "title", "status", "detail", "code"}, map[string]*huma.Schema{
		"type": text("A URI reference; `code` tells more.", 0), "title": text("The status, in words.", 0),
		"status": integer(400), "detail": text("What is wrong. It never holds what was sent, but for ids.", 0),
		"code":  text("Stable and machine-readable.", 0),
		"until": timeSchema("When a value that was released lately is free for all."),
		"errors": array(object([]string{"pointer", "detail"}, map[string]*huma.Schema{
			"pointer": {Type: huma.TypeString, Description: "A JSON pointer (RFC 6901) into the body, or into query or headers as an object."},
			"in":      described(enum("query", "header"), "Where the value is, if not in the body."),
			"detail":  text("", 0),
		})),
	})
}

func readySchema() *huma.Schema {
	return object([]string{"status", "views"}, map[string]*huma.Schema{
		"status": enum("ready", "not_ready"), "reason": text("", 0),
		"store": object([]string{"position", "writable", "freeBytes"}, map[string]*huma.Schema{
			"position":  described(integer(0), "The last durable transaction."),
			"writable":  described(&huma.Schema{Type: huma.TypeBoolean}, "Whether anything can be written now; reading may go on without."),
			"reason":    described(text("", 0), "Why nothing can be written."),
			"damage":    described(text("", 0), "What was found when the log was read again."),
			"freeBytes": described(integer(0), "Room on the store's disk."),
		}),
		"views": array(object([]string{"name", "position", "behind", "parked"}, map[string]*huma.Schema{
			"name":       text("", 0),
			"position":   described(integer(0), "Up to where the view has applied the store's transactions."),
			"behind":     described(integer(0), "How many transactions, or commits of the change feed, the view has still to apply."),
			"lagSeconds": described(&huma.Schema{Type: huma.TypeNumber}, "How far the view is behind in time, where that is known."),
			"failing":    described(text("", 0), "Why it is not brought up to date; of a replica, why following fails: how many transactions it is behind is not known then."),
			"checkpoint": described(&huma.Schema{Type: huma.TypeObject, AdditionalProperties: integer(0)}, "Up to where in each stream of the change feed the view has got."),
			"parked":     described(integer(0), "How many streams the view cannot apply until an operator steps in."),
			"streams": array(object([]string{"stream", "seq", "reason"}, map[string]*huma.Schema{
				"stream": text("", 0), "seq": integer(1), "reason": text("", 0),
			})),
		})),
	})
}

func changeSchema() *huma.Schema {
	return object([]string{"position", "kind", "id", "seq", "removed"}, map[string]*huma.Schema{
		"position": text("Where the item stands: `after` it, everything behind it is told.", 0),
		"kind":     enum("user", "group", "member"),
		"id":       text("Of a membership: the group's, `/` and the member's.", 0),
		"seq":      integer(1),
		"removed":  described(boolean(), "That it is no longer there; then nothing else is told of it."),
		"user":     ref("User"), "group": ref("Group"), "member": ref("Membership"),
	})
}

func generationsSchema() *huma.Schema {
	return object([]string{"views"}, map[string]*huma.Schema{
		"views": array(object([]string{"view", "generations"}, map[string]*huma.Schema{
			"view": enum(RowsView, SearchView, ClosureView),
			"generations": array(object([]string{"number", "name", "state"}, map[string]*huma.Schema{
				"number": integer(1), "name": described(text("", 0), "What metrics and /readyz call it."), "state": enum(Answering, Building, Kept),
				"position": described(integer(0), "Up to where it has applied the store's transactions, where they are numbered."),
				"behind":   described(integer(0), "How many transactions it has still to apply."),
			})),
		})),
		"rebuild": rebuildSchema(),
	})
}

func rebuildSchema() *huma.Schema {
	return described(object([]string{"number", "views", "state", "done", "total", "perSecond", "secondsLeft", "startedAt"}, map[string]*huma.Schema{
		"number": integer(1), "views": array(enum(RowsView, SearchView, ClosureView)),
		"state": enum(Running, Done, Failed), "reason": described(text("", 0), "Why it failed."),
		"stage": described(text("", 0), "What is being done."), "done": integer(0), "total": integer(0),
		"perSecond": {Type: huma.TypeNumber}, "secondsLeft": {Type: huma.TypeNumber},
		"startedAt": timeSchema("When it began."), "endedAt": timeSchema("When it ended."),
		"comparisons": array(object([]string{"view", "compared", "buckets", "sampled", "differing"}, map[string]*huma.Schema{
			"view": enum(RowsView, SearchView, ClosureView), "compared": integer(0), "buckets": integer(0), "sampled": integer(0), "differing": integer(0),
			"differences": array(object([]string{"stream", "seq", "fields"}, map[string]*huma.Schema{
				"stream": text("", 0), "seq": integer(0), "fields": array(text("A field, never its value.", 0)),
			})),
		})),
	}), "The rebuild that is under way, or the last one.")
}

func standingSchema() *huma.Schema {
	return object([]string{"epoch", "role"}, map[string]*huma.Schema{
		"epoch": described(text("", 0), "Names this life of the store."),
		"role":  enum(PrimaryRole, ReplicaRole, PromotingRole, ClosedRole),
		"replica": object([]string{"source", "position", "transactions", "waiting"}, map[string]*huma.Schema{
			"source": described(text("", 0), "The followed service."), "position": described(text("", 0), "Up to where its events are here."),
			"transactions": integer(0), "lagSeconds": described(&huma.Schema{Type: huma.TypeNumber}, "For how long there has been something that is not here, where that is known."),
			"waiting": described(integer(0), "Transactions that came before what they rest on."), "failing": described(text("", 0), "Why following fails."),
		}),
		"promotion": object([]string{"sourceClosed", "endedAt"}, map[string]*huma.Schema{
			"epoch": text("", 0), "failed": text("", 0), "sourceClosed": boolean(), "endedAt": timeSchema("When it ended."),
			"dropped": array(object([]string{"stream", "seq"}, map[string]*huma.Schema{"stream": text("", 0), "seq": integer(1)})),
		}),
	})
}

func transactionSchema() *huma.Schema {
	commit := object([]string{"stream", "seq", "time", "hash"}, map[string]*huma.Schema{
		"stream": text("Which stream it is in.", eventstream.MaxStreamID), "seq": integer(1), "time": timeSchema("When it was written."),
		"previous": text("The hash of the stream's commit before it, if there is one: 32 bytes in base64, of the URL-safe alphabet.", 0),
		"hash":     text("SHA-256 over the commit and the hash before it.", 0),
		"data":     {Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeObject}, Description: "What it says: events."},
		"bytes":    {Type: huma.TypeString, Description: "What it says, where that is not JSON: base64."},
	})
	return object([]string{"command", "actor", "correlation", "commits"}, map[string]*huma.Schema{
		"command": idSchema("What it was written by."), "actor": {Type: huma.TypeString, Description: "Who asked."},
		"correlation": {Type: huma.TypeString, Description: "The trace that it belongs to."}, "commits": array(commit),
	})
}
