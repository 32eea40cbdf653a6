package replay

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
)

// What all recordings of Nacos's server share: services whose instances have
// leases in a kernel, and what the original does around them. What is no rule
// of its heartbeats but an accident lives here, by the quirk's number.

// nacosKey is an instance in a service.
type nacosKey struct {
	nacosAddress
	cluster string
}

type nacosAddress struct {
	ip   string
	port int64
}

func (k nacosKey) String() string { return fmt.Sprintf("%s:%d@%s", k.ip, k.port, k.cluster) }

// nacosInstance is what a service keeps of an instance beside its lease.
type nacosInstance struct {
	weight   float64
	metadata map[string]any // nil if the beat had none
}

type (
	nacosKernel   = leasekernel.Kernel[nacosKey, nacosInstance]
	nacosSnapshot = lease.Snapshot[nacosKey, nacosInstance]
)

// hasUnreadable reports whether one of the metadata is a number that Java's
// parseLong throws at: nothing that reads it gets any further (quirk N4).
func (i nacosInstance) hasUnreadable(keys ...string) bool {
	return slices.ContainsFunc(keys, func(key string) bool {
		_, err := leasekernel.NacosTerm(map[string]string{key: i.text(key)})
		return err != nil
	})
}

// cannotBeWritten reports whether Jackson fails to write the instance as JSON,
// since that calls all three getters (quirks N5 and N6).
func (i nacosInstance) cannotBeWritten() bool {
	return i.hasUnreadable(leasekernel.NacosIntervalKey, leasekernel.NacosTimeoutKey, leasekernel.NacosDeleteKey)
}

func (i nacosInstance) text(key string) string {
	text, _ := i.metadata[key].(string)
	return text
}

// term is the term of the instance's lease. What cannot be read is never over:
// the original does not get to judge it.
func (i nacosInstance) term() (lease.Term, error) {
	metadata := make(map[string]string)
	for _, key := range []string{leasekernel.NacosIntervalKey, leasekernel.NacosTimeoutKey, leasekernel.NacosDeleteKey} {
		metadata[key] = i.text(key)
		if i.hasUnreadable(key) {
			metadata[key] = "9223372036854775807"
		}
	}
	return leasekernel.NacosTerm(metadata)
}

// readNacosOp reads an operation, [instant, name, arguments...], of which the
// name says where the arguments go.
func readNacosOp(text []byte, mono *int64, kind *string, arguments func() (into []any, ok bool)) error {
	var values []json.RawMessage
	if err := json.Unmarshal(text, &values); err != nil {
		return err
	}
	if len(values) < 2 {
		return fmt.Errorf("an operation of %d values", len(values))
	}
	if err := json.Unmarshal(values[1], kind); err != nil {
		return err
	}
	into, ok := arguments()
	if !ok {
		return fmt.Errorf("unknown operation %q", *kind)
	}
	return tuple(text, append([]any{mono, kind}, into...)...)
}
