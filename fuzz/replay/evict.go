package replay

import (
	"fmt"
	"hash/fnv"

	"github.com/leasekernel/leasekernel/evict"
	"github.com/leasekernel/leasekernel/preserve"
)

// maxVictimsRecorded is up to how many victims a recording lists all of them.
const maxVictimsRecorded = 300

// mostCandidates keeps a number that nobody recorded from taking all memory.
const mostCandidates = 1 << 22

// firstVictims is how many of more victims it lists.
const firstVictims = 50

func replayEvict(line []byte, c *checker) error {
	var recorded caseOf[struct {
		Percent    number   `json:"percent"`
		Size       int32    `json:"registrySize"`
		Candidates int      `json:"candidates"`
		SeedMillis int64    `json:"seedMillis"`
		IDs        []string `json:"ids,omitempty"`
	}, struct {
		Limit       int32  `json:"limit"`
		ToEvict     int    `json:"toEvict"`
		Victims     []int  `json:"victims"`
		VictimCount int    `json:"victimCount"`
		PosHash     string `json:"posHash"`
		IDHash      string `json:"idHash,omitempty"`
		SizeAfter   int    `json:"sizeAfter"`
	}]
	if err := decode(line, &recorded); err != nil {
		return err
	}
	in, want := recorded.Inputs, recorded.Outputs
	if in.Candidates < 0 || in.Candidates > mostCandidates {
		return fmt.Errorf("%d candidates: must be between 0 and %d", in.Candidates, mostCandidates)
	}
	if in.IDs != nil && len(in.IDs) != in.Candidates {
		return fmt.Errorf("%d ids for %d candidates", len(in.IDs), in.Candidates)
	}

	calculator, err := preserve.NewCalculator(preserve.Config{Release: preserve.EurekaV1_9_17, Percent: float64(in.Percent)})
	if err != nil {
		return err
	}
	limit := evict.EurekaLimit(in.Size, calculator.Keep(in.Size))
	positions := make([]int, in.Candidates)
	for i := range positions {
		positions[i] = i
	}
	victims, err := evict.Pick(evict.NewJavaRandom(in.SeedMillis), positions, int(limit))
	if err != nil {
		return err
	}

	c.check("limit", limit, want.Limit)
	c.check("toEvict", min(in.Candidates, int(limit)), want.ToEvict)
	c.check("victimCount", len(victims), want.VictimCount)
	c.check("sizeAfter", int(in.Size)-len(victims), want.SizeAfter)
	listed := victims
	if len(victims) > maxVictimsRecorded {
		listed = victims[:firstVictims]
	}
	checkEach(c, "victims", listed, want.Victims)
	c.check("posHash", hashLines(victims, func(position int) string { return fmt.Sprint("c", position) }), want.PosHash)
	c.check("idHash", idHash(in.IDs, victims), want.IDHash)
	return nil
}

// idHash is the hash of the victims' ids. Of cases with more than 60
// candidates neither the ids nor their hash were recorded.
func idHash(ids []string, victims []int) string {
	if ids == nil {
		return ""
	}
	return hashLines(victims, func(position int) string { return ids[position] })
}

// hashLines is the FNV-1a hash, in hex, of the texts joined by newlines.
func hashLines(victims []int, text func(position int) string) string {
	hash := fnv.New64a()
	for i, position := range victims {
		if i > 0 {
			hash.Write([]byte{'\n'})
		}
		hash.Write([]byte(text(position)))
	}
	return fmt.Sprintf("%016x", hash.Sum64())
}
