drop table delivery_attempts, deliveries, gateways, endpoints;
