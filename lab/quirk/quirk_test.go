package quirk_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/leasekernel/leasekernel/lab/quirk"
)

// numbered are the quirks of the catalogue, by their numbers.
var numbered = strings.Fields("L1 L2 L3 L4 L5 L6 L7 L8 L9 L10 G1 G2 G3 G4 G5 G6 G7 G8 R1 R2 R3 R4 R5 R6 R7 R8 " +
	"T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12 T13 T14 T15 E1 E2 E3 E4 E5 E6 E7 E8 E9 S1 S2 S3 S4 " +
	"B1 B2 B3 B4 B5 B6 B7 B8 B10 B11 B12 B13 B14 B15 B16 " +
	"N1 N2 N3 N7 N8 N10 N11 N12 N13 N14 N15 N16 N17 N21 N22 N23 N24 N25 N26 N27 N29 N30 N32 N33 N34 N35")

func TestCatalogueHasEveryNumberOnceAndInOrder(t *testing.T) {
	var ids []string
	for _, q := range quirk.Catalogue() {
		ids = append(ids, q.ID)
	}
	if !slices.Equal(ids, numbered) {
		t.Errorf("got %v, want %v", ids, numbered)
	}
}

func TestEveryStoryComesOutAsDocumented(t *testing.T) {
	for _, q := range quirk.Catalogue() {
		t.Run(q.ID, func(t *testing.T) {
			for _, o := range q.Tell().Observations {
				if !o.OK {
					t.Errorf("%s: observed %q, documented %q", o.Rule, o.Observed, o.Documented)
				}
			}
		})
	}
}

// Every quirk says what the original does by doing it, and has a word on the
// exact rule, last.
func TestEveryQuirkObservesTheOriginalAndEndsWithTheExactRule(t *testing.T) {
	for _, q := range quirk.Catalogue() {
		told := q.Tell()
		if told.Title == "" || told.Story == "" {
			t.Errorf("%s: no title or no story", q.ID)
		}
		if !told.Observations[0].Executed {
			t.Errorf("%s: what the original does is not observed", q.ID)
		}
		for i, o := range told.Observations {
			if last := i == len(told.Observations)-1; (o.Rule == "exact") != last {
				t.Errorf("%s: fact %d is about %s", q.ID, i, o.Rule)
			}
			if o.Documented == "" {
				t.Errorf("%s: nothing is documented of %s", q.ID, o.Rule)
			}
		}
	}
}

func TestAValueThatIsNotAsDocumentedIsWrong(t *testing.T) {
	q := quirk.Quirk{Facts: []quirk.Fact{
		{Rule: "eureka", Documented: "1", Observe: func() string { return "2" }},
		{Rule: "spring", Documented: "1", Observe: func() string { return "1" }},
		{Rule: "exact", Documented: "no counterpart"},
	}}
	told := q.Tell()
	if told.Wrong() != 1 || told.Executed() != 2 {
		t.Errorf("got %d wrong of %d executed, want 1 of 2", told.Wrong(), told.Executed())
	}
	if told.Observations[0].OK || !told.Observations[1].OK || !told.Observations[2].OK {
		t.Errorf("got %+v", told.Observations)
	}
}

func TestSelect(t *testing.T) {
	got, err := quirk.Select("t8", "L1")
	if err != nil || len(got) != 2 || got[0].ID != "L1" || got[1].ID != "T8" {
		t.Errorf("got %v, %v; want L1 and T8 in the catalogue's order", got, err)
	}
	if _, err := quirk.Select("L1", "L99"); err == nil || !strings.Contains(err.Error(), `"L99"`) {
		t.Errorf("got %v, want an error that names L99", err)
	}
	if all, err := quirk.Select(); err != nil || len(all) != len(numbered) {
		t.Errorf("got %d quirks, %v; want all", len(all), err)
	}
}

func TestThePageIsNotStale(t *testing.T) {
	var page strings.Builder
	if err := quirk.Markdown(&page, quirk.Catalogue()); err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile("../../docs/QUIRKS.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(committed) != page.String() {
		t.Error("docs/QUIRKS.md is stale: run go run ./lab quirks --markdown > docs/QUIRKS.md")
	}
}
