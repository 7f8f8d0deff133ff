"""Turn a blueprint into nodes and routes, once, so that nothing is looked up or checked for each message."""

from rehearsal.check import meant, uncalled
from rehearsal.draws import Book, Uniform
from rehearsal.engine.nodes import Inbox, Node, Plan, Pool, Route
from rehearsal.errors import ModelError
from rehearsal.system import AGAIN, CLIENT, NO_TIME
from rehearsal.trace import Edge


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
        takes = None if handler.takes == NO_TIME else self.keyed(handler.takes, "takes", handler.work)
        chance = self.keyed(Uniform(0, 1), "errors", handler.work)
        return Plan(node, handler.name, takes, handler=handler, work=handler.work, chance=chance)

    def _subscribe(self, service, subscription):
        node = self.nodes[service.name]
        self.plans[subscription] = self._plan(node, subscription)
        shared = self.pools[service.name]
        self.pools[subscription] = shared if subscription.workers is None else Pool(node, subscription.workers)
        name = f"{service.name} ← {subscription.topic}"
        self.inboxes[name] = Inbox(name, subscription.poll, subscription.retry)
        node.inboxes.append((self.inboxes[name], self.pools[subscription]))

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
        steps = (engine.arrive,), engine.reply, engine.lose
        edge = self._edge(kind, source, target, plan.name, plan.undo)
        return Route(steps, edge, plan, self.pools[target], out, back)

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
        inbox = self.inboxes.setdefault(target.place, Inbox(target.place, retry=AGAIN))
        edge = Edge("command", "", target.node.name, target.name, target.undo)
        route = self._through(plan.node, edge, [(target, self.pools[target.node.name], inbox)])
        plan.node.sends[operation] = route
        return route

    def _publishing(self, node, topic):
        readers = []
        for service in self.system.services.values():
            if topic in service.subscriptions:
                handler = service.subscriptions[topic]
                readers.append((self.plans[handler], self.pools[handler], self.inboxes[f"{service.name} ← {topic}"]))
        return self._through(node, Edge("event", "", "", topic), readers)

    def _through(self, node, edge, readers):
        """Return the route of an event or a command to its broker, with the routes from there to its readers."""
        engine, broker, topic = self.engine, self.system.carrier(edge.name), edge.name
        broker_node = self.nodes.get(broker.name)
        if broker_node is None:
            broker_node = self.nodes[broker.name] = Node(broker.name, broker=True)
            self.pools[broker.name] = Pool(broker_node, broker.workers)
        work = f"{topic} at {broker.name}"
        takes = None if broker.latency == NO_TIME else self.keyed(broker.latency, "takes", work)
        leg = edge._replace(source=node.name, target=broker.name)
        out = self._hop(node.name, broker.name, "publish", topic)
        number = engine.trace.add_edge(leg)
        plan = Plan(broker_node, topic, takes, work=work)
        steps = (engine.arrive,), engine.bus.fan_out, engine.bus.keep
        onward = tuple(self._delivery(edge, broker.name, *reader) for reader in readers)
        return Route(steps, number, plan, self.pools[broker.name], out, readers=onward)

    def _delivery(self, edge, broker, plan, pool, inbox):
        bus, target = self.engine.bus, plan.node.name
        number = self._edge(edge.kind, broker, target, edge.name, plan.undo)
        steps = (bus.arrive,), bus.acknowledge, bus.deliver_again
        return Route(steps, number, plan, pool, self._hop(broker, target, "deliver", plan.work), inbox=inbox)
