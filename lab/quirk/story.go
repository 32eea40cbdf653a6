package quirk

import "time"

// t0 is when most stories begin: 14 November 2023, 22:13:20 UTC.
var t0 = time.UnixMilli(1_700_000_000_000)

// check is for what a story takes for granted: an error in it is a mistake in
// the story.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

// accepted is for what a story is about.
func accepted(err error) string {
	if err != nil {
		return "refused"
	}
	return "accepted"
}
