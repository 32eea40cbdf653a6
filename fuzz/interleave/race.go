package interleave

// findRaces looks for earlier steps of other threads that the last one, of
// thread t, might have come before, and sees to it that this is tried.
func (x *Explorer) findRaces(t *thread, last *event) {
	for _, earlier := range x.rivals(t, last) {
		if earlier > 0 {
			x.reverse(int(earlier-1), last)
		}
	}
}

// rivals returns for each thread the last of its steps on which the last step
// depends by itself: it does not follow from what t did before that the other one
// is earlier, nor from another rival.
func (x *Explorer) rivals(t *thread, last *event) (rivals clock) {
	r := &x.run
	depends := r.relation.on(last.kind, last.failed)
	for _, at := range r.about(t, last) {
		l := &r.locations[at]
		for class, depends := range depends {
			switch {
			case !depends:
			case last.kind == lock: // which cannot come before the unlock that lets it
				rivals.join(&l.locked)
			default:
				rivals.join(&l.last[class])
			}
		}
	}
	rivals[t.number] = 0
	for thread, m := range rivals {
		if m <= t.clock[thread] {
			rivals[thread] = 0
		}
	}
	immediate := rivals
	for thread, m := range rivals {
		for other, n := range rivals {
			if n > 0 && other != thread && r.events[n-1].clock[thread] >= m {
				immediate[thread] = 0
			}
		}
	}
	return immediate
}

// reverse sees to it that the last step is tried before an earlier one: after
// all that lies between them and does not follow from the earlier one, of which
// any beginning will do.
func (x *Explorer) reverse(earlier int, last *event) {
	node := &x.path[earlier]
	initials := x.initials(earlier)
	if !node.enabled.has(last.thread) {
		initials &^= 1 << last.thread
	}
	switch {
	case initials == 0: // the earlier one is what the last has waited for
	case initials&node.todo != 0:
	case initials.has(last.thread):
		node.todo.add(last.thread)
	default:
		node.todo.add(initials.first())
	}
}

// initials are the threads that can come first after an earlier step is left
// out, with all that follows from it but the last.
func (x *Explorer) initials(earlier int) (initials set) {
	var first clock
	events := x.run.events
	by := events[earlier].thread
	for i := earlier + 1; i < len(events); i++ {
		e := &events[i]
		follows := e.clock[by] > moment(earlier)
		if follows && i < len(events)-1 || first[e.thread] > 0 {
			continue
		}
		first[e.thread] = moment(i + 1)
		if !first.anyBefore(e) {
			initials.add(e.thread)
		}
	}
	return initials
}

// anyBefore reports whether one of the moments, of other threads, happened
// before an event.
func (c *clock) anyBefore(e *event) bool {
	for thread, m := range c {
		if m > 0 && thread != e.thread && e.clock[thread] >= m {
			return true
		}
	}
	return false
}
