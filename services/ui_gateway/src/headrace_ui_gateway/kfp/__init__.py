"""KFP's API, ``/apis/v2beta1``: one module of routes for each resource."""
