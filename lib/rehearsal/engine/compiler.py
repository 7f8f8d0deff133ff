"""Turn a blueprint into nodes and routes, once, so that nothing is looked up or checked for each message."""

from rehearsal.draws import Book, Constant, Uniform
from rehearsal.engine.nodes import Inbox, Node, Plan, Pool, Route
from rehearsal.errors import unknown
from rehearsal.policies import Retry
from rehearsal.system import CLIENT
from rehearsal.trace import Edge

_ZERO = Constant(0.0)
COMMANDS = Retry(4)


class Compiler:
    """Make what a run needs from a system: every node at the start, every route when it is first used."""

    def __init__(self, system, seed, engine):
        self.system, self.seed, self.engine = system, seed, engine
        self.nodes = {CLIENT: Node(CLIENT)}
        self.plans, self.pools, self.inboxes = {}, {}, {}
        for service in system.services.values():
            node = self.nodes[service.name] = Node(service.name, blocking=service.blocking, state=service.state)
            self.pools[service.name] = Pool(node, service.workers, service.queue)
            for operation in service.operations.values():
                self.plans[operation] = self._plan(node, operation)
        for broker in system.brokers.values():
            node = self.nodes[broker.name] = Node(broker.name, broker=True)
            self.pools[broker.name] = Pool(node, broker.workers)
        for service in system.services.values():
            for subscription in service.subscriptions.values():
                self._subscribe(service, subscription)
        for handler, plan in self.plans.items():
            plan.topics = {topic: self._publishing(plan.node, topic) for topic in handler.publishes}

    def keyed(self, distribution, purpose, work):
        """Return the draws of a purpose and a work."""
        return Book(distribution, self.seed, purpose, work)

    def _plan(self, node, handler):
        takes = None if handler.takes == _ZERO else self.keyed(handler.takes, "takes", handler.work)
        chance = self.keyed(Uniform(0, 1), "errors", handler.work)
        return Plan(node, handler.name, takes, handler=handler, work=handler.work, chance=chance)

    def _subscribe(self, service, subscription):
        node = self.nodes[service.name]
        self.plans[subscription] = self._plan(node, subscription)
        shared = self.pools[service.name]
        self.pools[subscription] = shared if subscription.workers is None else Pool(node, subscription.workers)
        name = f"{service.name} ← {subscription.topic}"
        self.inboxes[name] = Inbox(name, subscription.poll, subscription.retry)
        node.inboxes.append(self.inboxes[name])

    def _hop(self, a, b, purpose, work):
        return self.keyed(self.system.latency(a, b), purpose, work)

    def _edge(self, kind, source, target, name, undo=False):
        return self.engine.trace.add_edge(Edge(kind, source, target, name, undo))

    def entry(self, entry):
        """Return the route of a client's request."""
        return self._asking("request", CLIENT, self.plans[self.system.find(entry.operation)])

    def _asking(self, kind, source, plan):
        engine, target = self.engine, plan.node.name
        out, back = (self._hop(source, target, purpose, plan.work) for purpose in ("ask", "reply"))
        route = Route(self._edge(kind, source, target, plan.name, plan.undo), plan, self.pools[target], out, back)
        route.arrive, route.conclude, route.bereave = (engine.arrive,), engine.reply, engine.lose
        return route

    def call(self, plan, operation):
        """Return the route of a call from the plan's node, or refuse an operation that is not there or not declared."""
        found = self._find(operation)
        said = plan.handler.calls
        if said is not None and found not in map(self.system.find, said):
            names = [self.system.find(o).place for o in said]
            raise self.engine.mistake(f"{plan.place} calls what calls= does not say: {unknown('operation', found.place, names)}")
        route = self._asking("call", plan.node.name, self.plans[found])
        if said is None:
            plan.node.calls[operation] = route
        return route

    def _find(self, operation):
        try:
            return self.system.find(operation)
        except Exception as error:
            raise self.engine.mistake(str(error)) from None

    def send(self, plan, operation):
        """Return the route of a command: through its broker to the one addressee."""
        found = self._find(operation)
        target = self.plans[found]
        inbox = self.inboxes.setdefault(target.place, Inbox(target.place, retry=COMMANDS))
        edge = Edge("command", "", target.node.name, target.name, target.undo)
        route = self._through(plan.node, edge, [(target, self.pools[target.node.name], inbox)])
        plan.node.sends[operation] = route
        return route

    def _publishing(self, node, topic):
        readers = [
            (self.plans[s.subscriptions[topic]], self.pools[s.subscriptions[topic]], self.inboxes[f"{s.name} ← {topic}"])
            for s in self.system.services.values()
            if topic in s.subscriptions
        ]
        return self._through(node, Edge("event", "", "", topic), readers)

    def _through(self, node, edge, readers):
        """Return the route of an event or a command to its broker, with the routes from there to its readers."""
        engine, broker, topic = self.engine, self.system.carrier(edge.name), edge.name
        broker_node = self.nodes.get(broker.name)
        if broker_node is None:
            broker_node = self.nodes[broker.name] = Node(broker.name, broker=True)
            self.pools[broker.name] = Pool(broker_node, broker.workers)
        work = f"{topic} at {broker.name}"
        takes = None if broker.latency == _ZERO else self.keyed(broker.latency, "takes", work)
        leg = edge._replace(source=node.name, target=broker.name)
        out = self._hop(node.name, broker.name, "publish", topic)
        route = Route(engine.trace.add_edge(leg), Plan(broker_node, topic, takes, work=work), self.pools[broker.name], out)
        route.arrive, route.conclude, route.bereave = (engine.arrive,), engine.bus.fan_out, engine.bus.keep
        route.readers = tuple(self._delivery(edge, broker.name, *reader) for reader in readers)
        return route

    def _delivery(self, edge, broker, plan, pool, inbox):
        bus, target = self.engine.bus, plan.node.name
        number = self._edge(edge.kind, broker, target, edge.name, plan.undo)
        route = Route(number, plan, pool, self._hop(broker, target, "deliver", plan.work), inbox=inbox)
        route.arrive, route.conclude, route.bereave = (bus.arrive,), bus.acknowledge, bus.deliver_again
        return route
