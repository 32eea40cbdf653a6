package replay

import (
	"encoding/json"
	"strconv"
	"strings"
)

// beatRequest is a beat as the original reads it.
type beatRequest struct {
	service   string // namespace/name
	key       nacosKey
	full      bool
	ephemeral bool          // of a full one, as the next
	instance  nacosInstance // that it describes
}

// readBeat reads the parameters of a beat, or returns what the original throws
// at them, in its order (quirk N20).
func readBeat(parameters map[string]string) (request beatRequest, thrown string) {
	optional := func(name, missing string) string {
		if value := trim(parameters[name]); value != "" {
			return value
		}
		return missing
	}
	body, err := readBeatBody(optional("beat", ""))
	if err != nil {
		return request, "NacosDeserializationException"
	}
	port, err := strconv.ParseInt(optional("port", "0"), 10, 32)
	if err != nil {
		return request, "NumberFormatException"
	}
	service := parameters["serviceName"]
	if !hasGroup(service) {
		return request, "IllegalArgumentException"
	}
	request.service = optional("namespaceId", "public") + "/" + trim(service)
	request.key = nacosKey{nacosAddress{optional("ip", ""), port}, optional("clusterName", "DEFAULT")}
	if body != nil { // its address always wins, its cluster if it has one (quirk N17)
		request.full = true
		request.key.nacosAddress = nacosAddress{body.IP, body.Port}
		if trim(body.Cluster) != "" {
			request.key.cluster = body.Cluster
		}
		request.ephemeral = body.Ephemeral == nil || *body.Ephemeral
		request.instance = nacosInstance{weightInRange(body.Weight), body.Metadata}
	}
	return request, ""
}

// hasGroup is the original's checkServiceNameFormat: there is a group and a
// name. Java's split leaves out what is empty at the end.
func hasGroup(service string) bool {
	for strings.HasSuffix(service, "@@") {
		service = strings.TrimSuffix(service, "@@")
	}
	return strings.Index(service, "@@") > 0
}

// beatBody is a full beat, as far as the original looks at it.
type beatBody struct {
	IP        string         `json:"ip"`
	Port      int64          `json:"port"`
	Cluster   string         `json:"cluster"`
	Weight    float64        `json:"weight"` // 0 if it is absent: no traffic (quirk N14)
	Ephemeral *bool          `json:"ephemeral"`
	Metadata  map[string]any `json:"metadata"`
}

// readBeatBody reads a full beat; nil is a light one. Jackson would make
// numbers of texts and texts of numbers, but no recording has such a beat.
func readBeatBody(text string) (body *beatBody, err error) {
	if text == "" {
		return nil, nil
	}
	err = json.Unmarshal([]byte(text), &body)
	return body, err
}

// weightInRange is what a service makes of a weight; below 0 it is not checked
// (quirk N14).
func weightInRange(weight float64) float64 {
	switch {
	case weight > 10000:
		return 10000
	case weight > 0 && weight < 0.01:
		return 0.01
	}
	return weight
}
