package httpapi

import "encoding/json"

// Examples of the document. A test validates each against its schema.

const (
	exampleUserID = "01926e5f-8a70-7c3e-9f41-5a2d8c6b7e10"
	exampleTime   = "2026-11-22T07:00:00.000Z"
)

var (
	newUserExample = json.RawMessage(`{"username":"homer","email":"homer@example.org","name":"Homer Simpson","attributes":{"department":"sector 7G"}}`)
	userExample    = json.RawMessage(`{"id":"01926e5f-8a70-7c3e-9f41-5a2d8c6b7e10","username":"homer","email":"homer@example.org","name":"Homer Simpson",` +
		`"active":true,"attributes":{"department":"sector 7G"},"createdAt":"2026-11-22T07:00:00.000Z","updatedAt":"2026-11-22T07:00:00.000Z"}`)
	userPatchExample = json.RawMessage(`{"name":"Homer J. Simpson","email":null,"attributes":{"department":"management"}}`)
	userListExample  = json.RawMessage(`{"items":[` + string(userExample) + `],"next":null}`)

	newGroupExample = json.RawMessage(`{"name":"Operators","description":"Those who watch the dials"}`)
	groupExample    = json.RawMessage(`{"id":"01926e60-11b2-7d0a-8c55-2f9e4b7a6d31","name":"Operators","description":"Those who watch the dials",` +
		`"createdAt":"2026-11-22T07:00:00.000Z","updatedAt":"2026-11-22T07:00:00.000Z"}`)
	groupPatchExample = json.RawMessage(`{"description":null}`)
	groupListExample  = json.RawMessage(`{"items":[` + string(groupExample) + `],"next":null}`)

	membershipExample = json.RawMessage(`{"groupId":"01926e60-11b2-7d0a-8c55-2f9e4b7a6d31","memberId":"01926e5f-8a70-7c3e-9f41-5a2d8c6b7e10",` +
		`"kind":"user","since":"2026-11-22T07:00:00.000Z"}`)
	membershipListExample = json.RawMessage(`{"items":[` + string(membershipExample) + `],"next":null}`)
	newMembersExample     = json.RawMessage(`{"members":["01926e5f-8a70-7c3e-9f41-5a2d8c6b7e10"]}`)
	questionsExample      = json.RawMessage(`{"items":[{"groupId":"01926e60-11b2-7d0a-8c55-2f9e4b7a6d31","userId":"01926e5f-8a70-7c3e-9f41-5a2d8c6b7e10"}]}`)
	answersExample        = json.RawMessage(`{"items":[{"member":true,"via":["01926e60-11b2-7d0a-8c55-2f9e4b7a6d31"]}]}`)
	membersExample        = json.RawMessage(`{"items":[` + string(membershipExample) + `]}`)

	commitListExample = json.RawMessage(`{"items":[{"seq":1,"time":"2026-11-22T07:00:00.000Z","actor":"admin","commandId":"01926e5f-8a70-7c3e-9f41-5a2d8c6b7e11",` +
		`"events":[{"type":"SetUsername","data":{"username":"homer"}},{"type":"SetActive","data":{"active":true}}]}],"next":null}`)

	changeExample = json.RawMessage(`{"position":"gQECAwQFBgcIAQkFAAMAAMPMi_o","kind":"member","id":"01926e60-11b2-7d0a-8c55-2f9e4b7a6d31/01926e5f-8a70-7c3e-9f41-5a2d8c6b7e10",` +
		`"seq":1,"removed":false,"member":` + string(membershipExample) + `}`)
	changePageExample = json.RawMessage(`{"items":[` + string(changeExample) + `],"next":"gQECAwQFBgcIAQkFAAMAAMPMi_o"}`)

	memberCommitListExample = json.RawMessage(`{"items":[{"groupId":"01926e60-11b2-7d0a-8c55-2f9e4b7a6d31","memberId":"01926e5f-8a70-7c3e-9f41-5a2d8c6b7e10",` +
		`"seq":1,"time":"2026-11-22T07:00:00.000Z","actor":"admin","commandId":"01926e5f-8a70-7c3e-9f41-5a2d8c6b7e12",` +
		`"events":[{"type":"SetMember","data":{"present":true,"kind":"user"}}],` +
		`"changes":[{"field":"kind","after":"user"},{"field":"since","after":"2026-11-22T07:00:00.000Z"}]}],"next":null}`)

	transactionPageExample = json.RawMessage(`{"items":[{"command":"01926e5f-8a70-7c3e-9f41-5a2d8c6b7e11","actor":"admin","correlation":"4bf92f3577b34da6a3ce929d0e0e4736","commits":[` +
		`{"stream":"user/01926e5f-8a70-7c3e-9f41-5a2d8c6b7e10","seq":2,"time":"2026-11-22T07:00:00.000Z","previous":"LCR8Uno_r7Gkjg27iOISXhEc4FeGdpFjB5oUsFilr6A",` +
		`"hash":"CGsCAL0gQdThpfaNQYXgemJr6DAqWa_dSXZGjlowv0w","data":[{"type":"SetActive","v":1,"data":{"active":false}}]}]}],"next":"gQECAwQFBgcIAQkFAAMAAMPMi_o"}`)

	newKeyExample  = json.RawMessage(`{"label":"payroll","scopes":["read"]}`)
	keyExample     = `"id":"01926e61-3c4d-7e8f-9a0b-1c2d3e4f5a6b","label":"payroll","scopes":["read"],"createdAt":"2026-11-22T07:00:00.000Z"`
	createdExample = json.RawMessage(`{` + keyExample + `,"key":"idk_01926e61-3c4d-7e8f-9a0b-1c2d3e4f5a6b_…"}`)
	keyListExample = json.RawMessage(`{"items":[{` + keyExample + `}],"next":null}`)

	parkedExample = json.RawMessage(`{"items":[{"view":"memview","stream":"user/01926e5f-8a70-7c3e-9f41-5a2d8c6b7e10","seq":3,"reason":"unknown_event",` +
		`"since":"2026-11-22T07:00:00.000Z","attempts":2}],"total":1}`)
	retryExample = json.RawMessage(`{"view":"memview","stream":"user/01926e5f-8a70-7c3e-9f41-5a2d8c6b7e10"}`)

	readyExample = json.RawMessage(`{"status":"ready","views":[{"name":"rows","position":1207,"behind":0,"lagSeconds":0,"parked":0}],` +
		`"store":{"position":1207,"writable":true,"freeBytes":83751862272}}`)
)

var generationsExample = json.RawMessage(`{"views":[{"view":"rows","generations":[{"number":1,"name":"memview","state":"answering","position":120734},` +
	`{"number":2,"name":"memview-2","state":"building","position":60416,"behind":60318}]}],` +
	`"rebuild":{"number":1,"views":["rows"],"state":"running","stage":"rows","done":60416,"total":120734,"perSecond":91208.5,"secondsLeft":0.7,` +
	`"startedAt":"2026-03-01T09:30:00.000Z"}}`)

var notReadyExample = json.RawMessage(`{"status":"not_ready","reason":"catching up","views":[{"name":"rows","position":1087,"behind":120,"parked":1,` +
	`"streams":[{"stream":"user/01926e5f-8a70-7c3e-9f41-5a2d8c6b7e10","seq":3,"reason":"unknown event"}]}]}`)

var (
	standingExample = json.RawMessage(`{"epoch":"3f1c9a70b2d4e586","role":"replica","replica":{"source":"https://directory.example.org",` +
		`"position":"AQ","transactions":120734,"lagSeconds":0.2,"waiting":0}}`)
	closedExample = json.RawMessage(`{"epoch":"3f1c9a70b2d4e586","role":"closed"}`)
)
