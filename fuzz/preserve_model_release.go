package fuzz

import (
	"math"
	"math/big"
	"time"

	"github.com/leasekernel/leasekernel/preserve"
)

// calculatorModel is one release's arithmetic over the state that all share.
type calculatorModel struct {
	percent          float64
	interval         int32 // seconds
	selfPreservation bool
	waitMillis       int64
	expected         int64
	threshold        int64
	opened           int64

	arithmetic
}

// arithmetic is what a release does, each step as its source has it.
type arithmetic struct {
	fits     func(count int64) bool
	open     func(m *calculatorModel, count int64)
	register func(m *calculatorModel)
	cancel   func(m *calculatorModel)
	evict    func(m *calculatorModel)
	update   func(m *calculatorModel, count int64) bool
	reason   func(m *calculatorModel, renewals int64) preserve.Reason
	clients  bool // expected counts clients
	reaching bool
	// unprotected: nothing is expected, and nothing is below it
	unprotected bool
}

var arithmetics = map[preserve.Release]arithmetic{
	preserve.EurekaV1_2_5: {
		fits: fitsJavaInt, open: openTwice, register: plusTwo, cancel: minusTwo, evict: minusTwo,
		update: updateAgainstThreshold, reason: eurekaReason,
	},
	preserve.EurekaV1_3_0: {
		fits: fitsJavaInt, open: openTwice, register: plusTwo, cancel: minusTwo, evict: minusTwo,
		update: updateAgainstThreshold, reason: eurekaReason,
	},
	preserve.EurekaV1_4_9: {
		fits: fitsJavaInt, open: openTwice, register: plusTwo, cancel: minusTwo, evict: unchanged,
		update: updateAgainstThreshold, reason: eurekaReason,
	},
	preserve.EurekaV1_9_3: {
		fits: fitsJavaInt, open: openTwice, register: plusTwo, cancel: minusTwo, evict: unchanged,
		update: updateTwiceAgainstExpected, reason: eurekaReason,
	},
	preserve.EurekaV1_9_4: {
		fits: fitsJavaInt, open: openOnce, register: plusOne, cancel: minusOne, evict: unchanged,
		update: updateAgainstExpected, reason: eurekaReason, clients: true,
	},
	preserve.EurekaV1_9_17: {
		fits: fitsJavaInt, open: openOnce, register: plusOne, cancel: minusOne, evict: minusOne,
		update: updateAgainstExpected, reason: eurekaReason, clients: true,
	},
	preserve.Spring: {
		fits: fitsJavaInt, open: openAtLeastOne, register: plusOne, cancel: minusOne, evict: minusOne,
		update: updateAgainstExpected, reason: eurekaReason, clients: true,
	},
	preserve.Bilibili: {
		fits: fitsExactly, open: bilibiliOpen, register: bilibiliRegister, cancel: bilibiliCancel, evict: unchanged,
		update: bilibiliUpdate, reason: bilibiliReason, reaching: true,
	},
	preserve.Nacos: {
		fits: fitsJavaInt, open: openNothing, register: unchanged, cancel: unchanged, evict: unchanged,
		update: adoptNothing, reason: noReason, unprotected: true,
	},
}

func fitsJavaInt(count int64) bool { return count == int64(int32(count)) }

// fitsExactly is Go's own bound for bilibili's counts, half of what float64s
// hold exactly.
func fitsExactly(count int64) bool { return count >= -1<<52 && count <= 1<<52 }

// javaIntOf is Java's cast of a double to int.
func javaIntOf(x float64) int64 { return castTo(x, math.MinInt32, math.MaxInt32) }

// castTo is a cast that stops at the ends of the type, by way of unbounded
// integers.
func castTo(x float64, low, high int64) int64 {
	switch {
	case math.IsNaN(x):
		return 0
	case math.IsInf(x, 1):
		return high
	case math.IsInf(x, -1):
		return low
	}
	whole, _ := big.NewFloat(x).Int(nil)
	return clampTo(whole, low, high)
}

// setRenewals is the end of every change up to v1.9.3.
func (m *calculatorModel) setRenewals(expected int32) {
	m.expected = int64(expected)
	m.threshold = javaIntOf(float64(expected) * m.percent)
}

// setClients is the end of every change from v1.9.4.
func (m *calculatorModel) setClients(expected int32) {
	m.expected = int64(expected)
	m.threshold = javaIntOf(float64(expected) * (60.0 / float64(m.interval)) * m.percent)
}

func openTwice(m *calculatorModel, count int64) { m.setRenewals(int32(count) * 2) }
func openOnce(m *calculatorModel, count int64)  { m.setClients(int32(count)) }

func openAtLeastOne(m *calculatorModel, count int64) {
	if count == 0 {
		count = 1
	}
	m.setClients(int32(count))
}

func unchanged(*calculatorModel) {}

func plusTwo(m *calculatorModel) {
	if m.expected > 0 {
		m.setRenewals(int32(m.expected) + 2)
	}
}

func minusTwo(m *calculatorModel) {
	if m.expected > 0 {
		m.setRenewals(int32(m.expected) - 2)
	}
}

func plusOne(m *calculatorModel) {
	if m.expected > 0 {
		m.setClients(int32(m.expected) + 1)
	}
}

func minusOne(m *calculatorModel) {
	if m.expected > 0 {
		m.setClients(int32(m.expected) - 1)
	}
}

func updateAgainstThreshold(m *calculatorModel, count int64) bool {
	return m.adoptRenewals(int32(count)*2, m.percent*float64(m.threshold))
}

func updateTwiceAgainstExpected(m *calculatorModel, count int64) bool {
	return m.adoptRenewals(int32(count)*2, m.percent*float64(m.expected))
}

func (m *calculatorModel) adoptRenewals(renewals int32, least float64) bool {
	if float64(renewals) > least || !m.selfPreservation {
		m.setRenewals(renewals)
		return true
	}
	return false
}

func updateAgainstExpected(m *calculatorModel, count int64) bool {
	if float64(count) > m.percent*float64(m.expected) || !m.selfPreservation {
		m.setClients(int32(count))
		return true
	}
	return false
}

func eurekaReason(m *calculatorModel, renewals int64) preserve.Reason {
	switch {
	case !m.selfPreservation:
		return preserve.SwitchedOff
	case m.threshold > 0 && renewals > m.threshold:
		return preserve.EnoughRenewals
	case m.threshold > 0:
		return preserve.TooFewRenewals
	}
	return preserve.NoThreshold
}

func (m *calculatorModel) setBilibili(expected int64) {
	m.expected = expected
	m.threshold = castTo(float64(expected)*m.percent, math.MinInt64, math.MaxInt64)
}

func bilibiliOpen(m *calculatorModel, count int64) { m.setBilibili(2 * count) }
func bilibiliRegister(m *calculatorModel)          { m.setBilibili(m.expected + 2) }

func bilibiliCancel(m *calculatorModel) {
	if m.expected > 0 {
		m.setBilibili(m.expected - 2)
	}
}

func bilibiliUpdate(m *calculatorModel, count int64) bool {
	m.setBilibili(2 * count)
	return true
}

func bilibiliReason(m *calculatorModel, renewals int64) preserve.Reason {
	switch {
	case !m.selfPreservation:
		return preserve.SwitchedOff
	case renewals >= m.threshold:
		return preserve.EnoughRenewals
	}
	return preserve.TooFewRenewals
}

func openNothing(*calculatorModel, int64) {}

func adoptNothing(*calculatorModel, int64) bool { return true }

func noReason(*calculatorModel, int64) preserve.Reason { return preserve.Unprotected }

// below is the original's isBelowRenewThresold.
func (m *calculatorModel) below(now time.Time, renewals int64) bool {
	return !m.unprotected && renewals <= m.threshold && m.opened > 0 && now.UnixMilli() > m.opened+m.waitMillis
}

func (m *calculatorModel) decide(release preserve.Release, renewals int64) preserve.Decision {
	d := preserve.Decision{
		Reason:    m.reason(m, renewals),
		Rule:      release.String(),
		Renewals:  renewals,
		Threshold: float64(m.threshold),
		Expected:  float64(m.expected),
		Clients:   m.clients,
		Percent:   m.percent,
	}
	d.Allowed = allows(d.Reason)
	if m.clients {
		d.Interval = time.Duration(m.interval) * time.Second
	}
	return d
}
