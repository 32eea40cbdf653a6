package preserve_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/leasekernel/leasekernel/preserve"
)

func TestParseReleaseFindsTheFamilyOfATag(t *testing.T) {
	for tag, want := range map[string]preserve.Release{
		// The recorded tags.
		"v1.2.5":  preserve.EurekaV1_2_5,
		"v1.4.8":  preserve.EurekaV1_3_0,
		"v1.4.12": preserve.EurekaV1_4_9,
		"v1.9.3":  preserve.EurekaV1_9_3,
		"v1.9.4":  preserve.EurekaV1_9_4,
		"v1.9.17": preserve.EurekaV1_9_17,
		"v2.0.6":  preserve.EurekaV1_9_17,

		// The borders between the families.
		"v1.3.0":  preserve.EurekaV1_3_0,
		"v1.4.9":  preserve.EurekaV1_4_9,
		"v1.9.2":  preserve.EurekaV1_4_9,
		"v1.9.16": preserve.EurekaV1_9_4,

		// Compared as numbers, not as text.
		"v1.2.99": preserve.EurekaV1_2_5,
		"v1.4.10": preserve.EurekaV1_4_9,
		"v1.9.10": preserve.EurekaV1_9_4,
		"v1.10.0": preserve.EurekaV1_9_17,
		"1.10.18": preserve.EurekaV1_9_17,
		"v2.0.0":  preserve.EurekaV1_9_17,

		// The v may be missing.
		"1.2.5":  preserve.EurekaV1_2_5,
		"1.4.12": preserve.EurekaV1_4_9,
		"2.0.6":  preserve.EurekaV1_9_17,

		"spring":   preserve.Spring,
		"bilibili": preserve.Bilibili,
		"nacos":    preserve.Nacos,
	} {
		t.Run(tag, func(t *testing.T) {
			got, err := preserve.ParseRelease(tag)
			if err != nil || got != want {
				t.Errorf("got %v, %v, want %v", got, err, want)
			}
		})
	}
}

func TestParseReleaseRefusesWhatItDoesNotKnow(t *testing.T) {
	for name, tag := range map[string]string{
		"before the first":    "v1.2.4",
		"long before":         "v0.9.9",
		"after the last":      "v2.0.7",
		"next minor":          "v2.1.0",
		"next major":          "v3.0.0",
		"empty":               "",
		"only the v":          "v",
		"two parts":           "v1.9",
		"four parts":          "v1.9.4.1",
		"a leading zero":      "v01.9.4",
		"a letter":            "v1.9.x",
		"a candidate":         "v1.9.4-rc.1",
		"a negative part":     "v-1.2.3",
		"a signed part":       "v1.+9.4",
		"an empty part":       "v1..4",
		"two letters v":       "vv1.9.4",
		"a capital V":         "V1.9.4",
		"a part too great":    "v1.9.65536",
		"a blank":             " v1.9.4",
		"a capital name":      "Spring",
		"a name and a number": "spring5",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := preserve.ParseRelease(tag)
			if got != 0 || !errors.Is(err, preserve.ErrInvalid) {
				t.Errorf("%q: got %v, %v, want the zero Release and ErrInvalid", tag, got, err)
			}
		})
	}
	const want = `preserve: invalid argument: release is "v2.0.7": must be "spring", "bilibili", "nacos" or an Eureka tag from v1.2.5 to v2.0.6`
	if _, err := preserve.ParseRelease("v2.0.7"); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestReleasesAreNamedOldestFirst(t *testing.T) {
	wantReleases := []preserve.Release{
		preserve.EurekaV1_2_5, preserve.EurekaV1_3_0, preserve.EurekaV1_4_9, preserve.EurekaV1_9_3,
		preserve.EurekaV1_9_4, preserve.EurekaV1_9_17, preserve.Spring, preserve.Bilibili,
		preserve.Nacos,
	}
	wantNames := []string{
		"eureka v1.2.5", "eureka v1.3.0 - v1.4.8", "eureka v1.4.9 - v1.9.2", "eureka v1.9.3",
		"eureka v1.9.4 - v1.9.16", "eureka v1.9.17 - v2.0.6", "spring", "bilibili", "nacos",
	}
	releases := preserve.Releases()
	if !slices.Equal(releases, wantReleases) {
		t.Fatalf("got %v, want %v", releases, wantReleases)
	}
	for i, release := range releases {
		if got := release.String(); got != wantNames[i] {
			t.Errorf("release %d: got %q, want %q", i, got, wantNames[i])
		}
	}
}

func TestReleasesReturnsASliceOfItsOwn(t *testing.T) {
	preserve.Releases()[0] = preserve.Bilibili
	if got, want := preserve.Releases()[0], preserve.EurekaV1_2_5; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestUnknownReleaseIsPrintedAsItsNumber(t *testing.T) {
	for release, want := range map[preserve.Release]string{
		0:                  "Release(0)",
		preserve.Nacos + 1: "Release(10)",
		255:                "Release(255)",
	} {
		if got := release.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
