package replay

import (
	"fmt"

	"github.com/leasekernel/leasekernel/evict"
)

func replayJavaRandom(line []byte, c *checker) error {
	var recorded caseOf[struct {
		Seed        int64 `json:"seed"`
		Bound       int   `json:"bound"`
		ShuffleSize int   `json:"shuffleSize"`
	}, struct {
		NextIntBound []int   `json:"nextIntBound"`
		NextInt      []int32 `json:"nextInt"`
		ShuffleDraws []int   `json:"shuffleDraws"`
	}]
	if err := decode(line, &recorded); err != nil {
		return err
	}
	in, want := recorded.Inputs, recorded.Outputs
	if in.ShuffleSize < 0 {
		return fmt.Errorf("a shuffle of %d", in.ShuffleSize)
	}

	random := evict.NewJavaRandom(in.Seed)
	bounded := make([]int, 64)
	for i := range bounded {
		bounded[i] = random.Intn(in.Bound)
	}
	checkEach(c, "nextInt(bound)", bounded, want.NextIntBound)

	random.Seed(in.Seed)
	unbounded := make([]int32, 16)
	for i := range unbounded {
		unbounded[i] = random.Int32()
	}
	checkEach(c, "nextInt()", unbounded, want.NextInt)

	random.Seed(in.Seed)
	draws := make([]int, min(in.ShuffleSize, 64))
	for i := range draws {
		draws[i] = random.Intn(in.ShuffleSize - i)
	}
	checkEach(c, "shuffle draws", draws, want.ShuffleDraws)
	return nil
}
