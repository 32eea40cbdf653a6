package main

import (
	"encoding/json"
	"errors"

	"github.com/leasekernel/leasekernel/heartbeat"
)

// beatInfo is what a full beat says of its instance.
type beatInfo struct {
	ServiceName string            `json:"serviceName"`
	IP          string            `json:"ip"`
	Port        json.Number       `json:"port"`
	Cluster     string            `json:"cluster"`
	Weight      json.Number       `json:"weight"`
	Metadata    map[string]string `json:"metadata"`
}

// beatAnswer is a [heartbeat.BeatAnswer] on the wire.
type beatAnswer struct {
	Code           int    `json:"code"`
	IntervalMillis *int64 `json:"clientBeatInterval"`
	Light          *bool  `json:"lightBeatEnabled,omitempty"`
}

func encode(answer heartbeat.BeatAnswer) beatAnswer {
	wire := beatAnswer{Code: answer.Code, IntervalMillis: &answer.IntervalMillis}
	if answer.HasLight {
		wire.Light = &answer.Light
	}
	return wire
}

// decode fails on an answer without an interval, which is none (quirk N27).
func (a beatAnswer) decode() (heartbeat.BeatAnswer, error) {
	if a.IntervalMillis == nil {
		return heartbeat.BeatAnswer{}, errors.New("the answer has no clientBeatInterval")
	}
	return heartbeat.BeatAnswer{
		Code: a.Code, IntervalMillis: *a.IntervalMillis, Light: a.Light != nil && *a.Light, HasLight: a.Light != nil,
	}, nil
}

// listAnswer is a service's instances.
type listAnswer struct {
	Name        string `json:"name"`
	Clusters    string `json:"clusters"`
	CacheMillis int64  `json:"cacheMillis"` // when to ask again
	LastRefTime int64  `json:"lastRefTime"`
	Hosts       []host `json:"hosts"`
}

// host is an instance as it is listed.
type host struct {
	InstanceID  string            `json:"instanceId"`
	ServiceName string            `json:"serviceName"`
	IP          string            `json:"ip"`
	Port        int               `json:"port"`
	ClusterName string            `json:"clusterName"`
	Weight      float64           `json:"weight"`
	Metadata    map[string]string `json:"metadata"`
	Healthy     bool              `json:"healthy"`
	Valid       bool              `json:"valid"` // the same
	Enabled     bool              `json:"enabled"`
	Ephemeral   bool              `json:"ephemeral"`
}

// hostOf lists an instance that is enabled: others are not listed.
func hostOf(key address, holder instance, healthy bool) host {
	return host{
		InstanceID: key.String(), ServiceName: key.service, IP: key.ip, Port: key.port, ClusterName: key.cluster,
		Weight: holder.weight, Metadata: holder.metadata,
		Healthy: healthy, Valid: healthy, Enabled: true, Ephemeral: true,
	}
}
