"""Turn a blueprint into nodes and routes, once, so that nothing is looked up or checked for each message."""

from rehearsal.check import meant, uncalled
from rehearsal.draws import Book, Uniform
from rehearsal.engine.crashes import keep
from rehearsal.engine.lanes import Lanes
from rehearsal.engine.nodes import Inbox, Node, Plan, Pool, Route
from rehearsal.engine.once import once
from rehearsal.engine.outbox import Outbox
from rehearsal.engine.traps import Trap, around
from rehearsal.engine.weather import leg
from rehearsal.errors import ModelError
from rehearsal.faults import CrashAt
from rehearsal.service import CLIENT, NO_TIME, queue
from rehearsal.trace import Edge


class Compiler:
    """Make what a run needs from a system: every node at the start, every route when it is first used."""

    def __init__(self, system, seed, faults, engine):
        self.system, self.seed, self.faults, self.engine = system, seed, faults, engine
        self.traps = {f: Trap(engine, f) for f in faults if isinstance(f, CrashAt)}
        self.nodes = {CLIENT: Node(CLIENT)}
        self.plans, self.pools, self.inboxes, self.bits = {}, {}, {}, {}
        for service in system.services.values():
            node = self.nodes[service.name] = Node(service.name, service)
            node.outbox = None if service.outbox is None else Outbox(self.engine, node, service.outbox)
            self.pools[service.name] = Pool(node, service.workers, service.queue, service.patience)
            for operation in service.operations.values():
                self.plans[operation] = self._plan(self._part(operation, node), operation)
        for broker in system.brokers.values():
            self._broker(broker)
        for service in system.services.values():
            for place, subscription in service.subscriptions.items():
                self._subscribe(service, place, subscription)
        for handler, plan in self.plans.items():
            plan.topics = {topic: self._publishing(plan.node, topic) for topic in handler.publishes}

    def keyed(self, distribution, purpose, work):
        """Return the draws of a purpose and a work."""
        return Book(distribution, self.seed, purpose, work)

    def _bit(self, work):
        return 1 << self.bits.setdefault(work, len(self.bits))

    def _part(self, operation, node):
        """Return the node of the module an operation belongs to: its memory and pace; its workers are the host's."""
        if not operation.module:
            return node
        return self.nodes.setdefault(operation.module, Node(operation.module, operation.home))

    def inside(self, plan, operation):
        """Return the route of work that a plan does itself, in process."""
        found = self._find(plan, operation)
        if found.waits or found.service != plan.handler.service:
            why = "waits for others" if found.waits else "is elsewhere"
            raise self.engine.mistake(f"{plan.place} works on {found.place}, which {why}: ask for it with ctx.call")
        edge = self._edge("work", found.service, found.service, found.name, found.undoes is not None)
        plan.inside[operation] = Route(((), None, None), edge, self.plans[found], self.pools[found.service], None)
        return plan.inside[operation]

    def _broker(self, broker):
        node = Node(broker.name, broker, broker=True)
        node.absent = keep if broker.durable else self.engine.bus.miss
        self.nodes[broker.name] = node
        self.pools[broker.name] = Pool(node, broker.workers)

    def _plan(self, node, handler):
        takes = None if handler.takes == NO_TIME else self.keyed(handler.takes, "takes", handler.work)
        chance = self.keyed(Uniform(0, 1), "errors", handler.work)
        plan = Plan(node, handler.name, takes, handler.work, self._bit(handler.work), handler=handler, chance=chance)
        if handler.idempotent:
            plan.function = once(plan, plan.function)
        traps = [trap for trap in self._traps(handler) if handler.module or trap.fault.moment != "before"]
        if traps:
            plan.function = around(traps, plan, plan.function)
        return plan

    def _traps(self, handler):
        called = handler.name, *handler.topics
        whose = handler.service, handler.module
        return [t for f, t in self.traps.items() if f.service in whose and f.operation in called]

    def _steps(self, steps, plan, source, target, kind, broker=None):
        """Return the steps of a route, through the traps and the weather on it; nearly always there are none."""
        arrive, conclude, bereave = steps
        for trap in self._traps(plan.handler) if plan.handler is not None else ():
            if trap.fault.moment == "before":
                arrive = trap.arrival(arrive)
        there = leg(self.engine, self.faults, source, target, kind, broker)
        if there is not None:
            arrive = there.arrival(arrive)
        back = leg(self.engine, self.faults, target, source, "reply") if kind == "ask" else None
        return (arrive,), back.reply if back is not None else conclude, bereave

    def _subscribe(self, service, place, subscription):
        node = self.nodes[service.name]
        if subscription not in self.plans:
            self.plans[subscription] = self._plan(node, subscription)
            shared = self.pools[service.name]
            self.pools[subscription] = shared if subscription.workers is None else Pool(node, subscription.workers)
        name = f"{service.name} ← {place}"
        self.inboxes[name] = Inbox(name, subscription.poll, subscription.retry, subscription.replay)
        node.inboxes.append((self.inboxes[name], self.pools[subscription]))

    def _hop(self, a, b, purpose, work):
        return self.keyed(self.system.latency(a, b), purpose, work)

    def _edge(self, kind, source, target, name, undo=False, group=""):
        return self.engine.trace.add_edge(Edge(kind, source, target, name, undo, group))

    def entry(self, entry):
        """Return the route of a client's request."""
        return self._asking("request", CLIENT, self.plans[self.system.find(entry.operation)])

    def _asking(self, kind, source, plan):
        engine, target = self.engine, plan.node.name
        out, back = (self._hop(source, target, purpose, plan.work) for purpose in ("ask", "reply"))
        steps = self._steps((engine.arrive, engine.reply, engine.lose), plan, source, target, "ask")
        edge = self._edge(kind, source, target, plan.name, plan.undo)
        guard = None if kind == "request" else self.system.guarded(source, target)
        return Route(steps, edge, plan, self.pools[target], out, back, guard=guard)

    def call(self, plan, operation):
        """Return the route of a call by this plan, or refuse an operation that is not there or not declared."""
        found = self._find(plan, operation)
        if undeclared := uncalled(self.system, plan.handler, found):
            raise self.engine.mistake(undeclared)
        routes = plan.node.calls  # those of a node are shared by its plans
        if found not in routes:
            routes[found] = self._asking("call", plan.node.name, self.plans[found])
        plan.calls[operation] = routes[found]
        return routes[found]

    def _find(self, plan, operation):
        try:
            return meant(self.system, plan.handler, operation)
        except ModelError as error:
            raise self.engine.mistake(str(error)) from None

    def send(self, plan, operation):
        """Return the route of a command: through its broker to the one addressee."""
        found = self._find(plan, operation)
        target = self.plans[found]
        inbox = self.inboxes.setdefault(target.place, Inbox(target.place, retry=found.retry))
        edge = Edge("command", "", target.node.name, target.name, target.undo)
        route = self._through(plan.node, edge, [(target, self.pools[target.node.name], inbox)])
        plan.node.sends[operation] = route
        return route

    def _publishing(self, node, topic):
        readers = [
            (self.plans[h], self.pools[h], self.inboxes[f"{h.service} ← {queue(topic, h.group)}"])
            for h in self.system.readers(topic)
        ]
        route = self._through(node, Edge("event", "", "", topic), readers)
        route.ends = any(topic in (entry.done, entry.failed) for entry in self.system.entries.values())
        return route

    def _through(self, node, edge, readers):
        """Return the route of an event or a command to its broker, with the routes from there to its readers."""
        engine, broker, topic = self.engine, self.system.carrier(edge.name), edge.name
        if broker.name not in self.nodes:
            self._broker(broker)
        work = f"{topic} at {broker.name}"
        takes = None if broker.latency == NO_TIME else self.keyed(broker.latency, "takes", work)
        leg = edge._replace(source=node.name, target=broker.name)
        out = self._hop(node.name, broker.name, "publish", topic)
        number = engine.trace.add_edge(leg)
        plan = Plan(self.nodes[broker.name], topic, takes, work, self._bit(work))
        bus = engine.bus
        plain = takes is None and broker.workers is None  # it takes no time: nothing is ever in its hands
        enter = bus.fan_out if plain else engine.arrive
        steps = (enter, bus.fan_out, bus.keep if broker.durable else bus.forget)
        steps = self._steps(steps, plan, node.name, broker.name, "publish", broker)
        onward = tuple(self._delivery(edge, broker, *reader) for reader in readers)
        return Route(steps, number, plan, self.pools[broker.name], out, readers=onward)

    def _delivery(self, edge, broker, plan, pool, inbox):
        bus, target = self.engine.bus, plan.node.name
        number = self._edge(edge.kind, broker.name, target, edge.name, plan.undo, plan.handler.group)
        steps = (bus.arrive, bus.acknowledge, bus.deliver_again)
        if not broker.durable:
            steps = (bus.hand_over, bus.done, bus.lose)
        elif getattr(plan.handler, "acknowledge", "after") == "before":
            steps = (bus.arrive, bus.done, bus.keep_what_waits)
        if getattr(plan.handler, "key", None) is not None:
            inbox.lanes = inbox.lanes or Lanes(self.engine, plan.handler.key)
            steps = (inbox.lanes.arrival(steps[0]), *steps[1:])
        if getattr(plan.handler, "joins", False):
            steps = (bus.join(plan, steps[0]), *steps[1:])
        steps = self._steps(steps, plan, broker.name, target, "deliver", broker)
        return Route(steps, number, plan, pool, self._hop(broker.name, target, "deliver", plan.work), inbox=inbox)
